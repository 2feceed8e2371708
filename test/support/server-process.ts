import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import { answerIn } from "./mcp-client.js";
import { patience } from "./patience.js";

/** Path of the built command that a host starts. */
export const builtServer = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** The structured content of an answer, or its error. */
export type Answer = Record<string, never> & { error?: { code: string; message: string; offset?: number } };

export interface ServerProcess {
  readonly client: Client;
  readonly pid: number;
  call(tool: string, args: object): Promise<Answer>;
  /** Kills the process with SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the built server and connects the SDK's client to it. Both end when the test ends. */
export async function startServer(root: string, ...args: string[]): Promise<ServerProcess> {
  return startServerUnder([], root, ...args);
}

/** Does the same with another command in front, which must exec the server: `["prlimit", "--nofile=64"]`. */
export async function startServerUnder(
  wrapper: readonly string[],
  root: string,
  ...args: string[]
): Promise<ServerProcess> {
  const words = [...wrapper, process.execPath, builtServer, "--root", root, "--log-level", "warn", ...args];
  const [command = "", ...rest] = words;
  const transport = new StdioClientTransport({ command, args: rest, stderr: "inherit" });
  const client = new Client({ name: "test", version: "0" });
  const closed = new Promise<void>((resolve) => {
    client.onclose = resolve;
  });
  await client.connect(transport, patience);
  const { pid } = transport;
  if (pid === null) throw new Error("the server has no pid");
  onTestFinished(() => client.close());
  return {
    client,
    pid,
    async call(tool, args) {
      const result = (await client.callTool(
        { name: tool, arguments: { ...args } },
        undefined,
        patience,
      )) as CallToolResult;
      return answerIn(result);
    },
    async kill() {
      process.kill(pid, "SIGKILL");
      await closed;
    },
    close: () => client.close(),
  };
}

/** A command in front that drops the server's log, for tests in which it logs hundreds of failures. */
export const quiet = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"];

interface RawAnswer {
  readonly result?: Record<string, unknown>;
  readonly error?: Record<string, unknown>;
}

export interface RawServer {
  readonly child: ChildProcessWithoutNullStreams;
  /** The text that the process has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit code when the process has ended. */
  readonly exited: Promise<number | null>;
  /** Waits until stderr matches `pattern`. */
  heard(pattern: RegExp): Promise<RegExpExecArray>;
  send(...messages: object[]): void;
  /** Waits for the answer to the request with this id. */
  answer(id: number): Promise<RawAnswer>;
}

/** Starts the built command without a client, for tests of things that a client hides. */
export function spawnRaw(args: readonly string[], environment: NodeJS.ProcessEnv = {}): RawServer {
  return spawnRawAt(builtServer, args, environment);
}

/** Does the same with another copy of the command. */
export function spawnRawAt(main: string, args: readonly string[], environment: NodeJS.ProcessEnv): RawServer {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...environment } });
  let stdout = "";
  let stderr = "";
  /** Whole lines of `stdout` that are not in `answers` yet, and the parts of an unfinished line. */
  const lines: string[] = [];
  let pieces: string[] = [];
  const answers = new Map<unknown, RawAnswer>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    pieces.push(text);
    if (text.includes("\n")) {
      lines.push(...pieces.join("").split("\n"));
      pieces = lines.splice(-1);
    }
    child.emit("read");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    child.emit("read");
  });
  child.stdin.on("error", () => undefined); // the process may end before everything is written
  const exited = once(child, "close").then(([code]) => code as number | null);
  onTestFinished(() => void child.kill("SIGKILL"));
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    async heard(pattern) {
      for (;;) {
        const found = pattern.exec(stderr);
        if (found !== null) return found;
        if (child.exitCode !== null) throw new Error(`the process ended without writing ${pattern}: ${stderr}`);
        await Promise.race([once(child, "read"), once(child, "close")]);
      }
    },
    send(...messages) {
      child.stdin.write(messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join(""));
    },
    async answer(id) {
      for (;;) {
        for (const message of lines.splice(0).map((line) => JSON.parse(line))) {
          if (!answers.has(message.id)) answers.set(message.id, message);
        }
        const found = answers.get(id);
        if (found !== undefined) return found;
        await once(child, "read");
      }
    },
  };
}

export const initialize = {
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "0" } },
};
export const toolCall = (id: number, name: string, args: object) => ({
  id,
  method: "tools/call",
  params: { name, arguments: args },
});
