import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { builtServer } from "../support/server-process.js";
import { pathWith } from "./installation.js";
import { ScriptedModel } from "./scripted-model.js";
import type { Wire } from "./wires/wire.js";

/** Every step takes seconds at most. A host that waits for ever fails with a message that says where it stands. */
const longestStepMs = 300_000;

/** An agent's command line that starts our server, and how a test drives it without a person. */
export interface Host {
  /** The name of the host in `artifacts-mcp setup`. */
  readonly id: string;
  /** The npm package and version. */
  readonly spec: string;
  readonly minNode: number;
  readonly wire: Wire;
  /** The command that makes the model answer one prompt. */
  readonly command: readonly [string, ...string[]];
  /** Environment variables that name the model, given the origin of its URL. */
  environment(origin: string): Readonly<Record<string, string>>;
  /** Configuration files besides those that `setup` writes, by their path below the home directory. */
  files?(origin: string): Readonly<Record<string, string>>;
  /** Whether the host starts our server again after it died, at the second call at the latest. */
  readonly restarts?: boolean;
  /** The tools with which a model lists and reads resources. Absent if only a person can read them. */
  readonly resources?: ResourceTools;
}

interface ResourceTools {
  readonly list: ToolCall;
  read(uri: string): ToolCall;
}

interface ToolCall {
  readonly tool: string;
  readonly args: object;
}

/** One conversation, in one process of the host. */
export interface Conversation {
  /** Makes the host call a tool. Returns the result that the model sees, without the escapes of JSON. */
  call(tool: string, args?: object): Promise<string>;
  /** The names of the tools offered to the model, as the host writes them. */
  tools(): Promise<readonly string[]>;
  /** Ends the conversation, and waits until the host has ended by itself. */
  end(): Promise<void>;
}

/** An installed host with its own home directory and our server in its configuration. */
export interface InstalledHost {
  /** The data directory of our server. */
  readonly root: string;
  begin(): Promise<Conversation>;
}

/** @throws NotInstalledError */
export async function installHost(host: Host): Promise<InstalledHost> {
  const path = await pathWith(host.spec, host.minNode);
  const home = await temporaryDirectory();
  const root = join(home, "store");
  const work = join(home, "work");
  await mkdir(work);
  return {
    root,
    async begin() {
      const model = new ScriptedModel(host.wire);
      onTestFinished(() => model.close());
      const origin = await model.listen();
      await writeFiles(home, host.files?.(origin) ?? {});
      setUp(host, home, root);
      const environment = { PATH: path, HOME: home, LANG: "C.UTF-8", TMPDIR: work, ...host.environment(origin) };
      const [command, ...args] = host.command;
      // The host gets its own process group, because some hosts start themselves again as another process.
      const child = spawn(command, args, {
        cwd: work,
        env: environment,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = endOf(child);
      onTestFinished(() => endGroup(child, ended));
      return conversation(model, child, ended);
    },
  };
}

async function writeFiles(home: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), content);
  }
}

/** Runs `setup` as a user does, without the environment variables that name another home directory. */
function setUp({ id }: Host, home: string, root: string): void {
  const args = [builtServer, "setup", id, "--write", "--root", root];
  execFileSync(process.execPath, args, { env: { HOME: home }, stdio: "pipe" });
}

/** Resolves with the exit code of the host when it and every process that holds its output have ended. */
function endOf(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  ended.catch(() => undefined); // each step reports it
  return ended;
}

function conversation(model: ScriptedModel, child: ChildProcess, ended: Promise<number | null>): Conversation {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const outcome = (code: number | string | null) =>
    `the host ended with ${code}\n${output}\nIt had asked:\n${model.seen()}`;
  const tooLong = async (): Promise<never> => {
    await setTimeout(longestStepMs, undefined, { ref: false });
    throw new Error(outcome("nothing yet"));
  };
  /** Waits for a step. Fails if the host ends first, or sends no request for minutes. */
  const whileAlive = <T>(what: Promise<T>): Promise<T> =>
    Promise.race([
      what,
      model.failed,
      tooLong(),
      ended.then((code) => {
        throw new Error(outcome(code));
      }),
    ]);
  return {
    tools: async () => (await whileAlive(model.turn())).request.tools,
    call: async (tool, args = {}) => withoutEscapes(await whileAlive(model.call(tool, args))),
    async end() {
      await whileAlive(model.say("Done."));
      const code = await Promise.race([ended, tooLong()]);
      if (code !== 0) throw new Error(outcome(code));
    },
  };
}

/** Removes the escapes of JSON: hosts put our text into their own JSON, once or twice. */
function withoutEscapes(text: string): string {
  return text.replace(/\\+n/g, "\n").replace(/\\+"/g, '"');
}

async function endGroup({ pid }: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (pid === undefined) return; // the process never started
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  await ended;
}
