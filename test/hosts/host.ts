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

/** Every step takes seconds at most; a host that waits for ever has to say where it is. */
const longestStepMs = 300_000;

/** An agent's command line that starts our server, and how it is driven without a person. */
export interface Host {
  /** As `artifacts-mcp setup` names it. */
  readonly id: string;
  /** Its npm package and version. */
  readonly spec: string;
  readonly minNode: number;
  readonly wire: Wire;
  /** The command that has the model answer one prompt. */
  readonly command: readonly [string, ...string[]];
  /** Variables that name the model, given the origin of its URL. */
  environment(origin: string): Readonly<Record<string, string>>;
  /** Files of its configuration by their path below the home directory, beside what `setup` writes. */
  files?(origin: string): Readonly<Record<string, string>>;
  /** Starts our server again after it has died, at the latest for the second call. */
  readonly restarts?: boolean;
  /** The tools by which a model lists and reads resources; none where only a person can. */
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

/** One conversation in a process of the host. */
export interface Conversation {
  /** Has the host call a tool; the result as the model sees it, without the escapes of JSON. */
  call(tool: string, args?: object): Promise<string>;
  /** Names of the tools that the model is offered, as the host names them. */
  tools(): Promise<readonly string[]>;
  /** Ends the conversation, and waits until the host has ended by itself. */
  end(): Promise<void>;
}

/** A host that is installed, with a home of its own and our server in its configuration. */
export interface InstalledHost {
  /** Of our server. */
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
      // A group of its own, since some hosts start themselves again as another process.
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

/** As a user does it; without the variables by which hosts are told of another home. */
function setUp({ id }: Host, home: string, root: string): void {
  const args = [builtServer, "setup", id, "--write", "--root", root];
  execFileSync(process.execPath, args, { env: { HOME: home }, stdio: "pipe" });
}

/** Its exit code, once it and all that hold its output have ended. */
function endOf(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  ended.catch(() => undefined); // each step hears of it
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
  /** Fails where the host ends, or asks nothing for minutes, before what is awaited. */
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

/** Hosts put our text into JSON of their own, once or twice. */
function withoutEscapes(text: string): string {
  return text.replace(/\\+n/g, "\n").replace(/\\+"/g, '"');
}

async function endGroup({ pid }: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (pid === undefined) return; // it never started
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  await ended;
}
