import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { SetupConfig } from "../command-line.js";
import { readConfigFile, replaceConfigFile } from "./config-file.js";
import { ConfigFormatError, type Entry } from "./config-format.js";
import { type Host, hosts } from "./hosts.js";
import type { Surroundings } from "./surroundings.js";

/** The setup cannot be done; the message is one line that says what to do. */
export class SetupError extends Error {
  override readonly name = "SetupError";
  /** Of the command: 1 for a file that cannot be changed, 2 for a wrong command line. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** This program, as a host can start it: absolute paths, since desktop programs have no PATH. */
export interface Program {
  readonly node: string;
  readonly main: string;
}

/** @throws SetupError if it is unknown */
function hostOf(id: string | undefined): Host {
  const host = hosts.find((each) => each.id === id);
  if (host !== undefined) return host;
  const what = id === undefined ? "no host is named" : `${JSON.stringify(id)} is not known`;
  throw new SetupError(`setup: ${what}: the hosts are ${hosts.map((each) => each.id).join(", ")}`, 2);
}

/**
 * Prints the configuration of a host, writes it or takes it out.
 *
 * @returns the text for the person
 * @throws SetupError
 */
export async function runSetup(config: SetupConfig, program: Program, surroundings: Surroundings): Promise<string> {
  const host = hostOf(config.host);
  const file = host.file(surroundings);
  const entry = host.entry(program.node, [program.main, ...config.serverArguments]);
  if (config.action === "print") {
    const alternative = host.alternative?.(config.name, program.node, [program.main, ...config.serverArguments]);
    return [
      `# ${host.title}: put this into ${file}, or run the same with --write. ${host.reload}`,
      ...[alternative, warningOf(program).trim()].flatMap((line) => (line ? [`# ${line}`] : [])),
      host.format.write("", host.section, config.name, entry),
    ].join("\n");
  }
  try {
    const text = await readConfigFile(file);
    return config.action === "write"
      ? (await write({ host, file, text, name: config.name, entry })) + warningOf(program)
      : await remove({ host, file, text, name: config.name });
  } catch (cause) {
    const { message } = cause as Error;
    const why = cause instanceof ConfigFormatError ? `it ${message}` : `it cannot be changed: ${message}`;
    throw new SetupError(`setup: ${file} was left alone: ${why}`, 1, { cause });
  }
}

/** A copy that `npx` runs lies in npm's cache, and is gone when that is cleaned. */
function warningOf({ main }: Program): string {
  const isInCache = /[\\/]_npx[\\/]/.test(main);
  return isInCache
    ? `${main} lies in npm's cache and may be removed: install artifacts-mcp with npm install -g first.\n`
    : "";
}

interface Target {
  readonly host: Host;
  readonly file: string;
  /** What is in the file. */
  readonly text: string;
  readonly name: string;
}

async function write({ host, file, text, name, entry }: Target & { readonly entry: Entry }): Promise<string> {
  const { format, section } = host;
  const known = format.entries(text, section)[name];
  if (known !== undefined && !isOurs(known)) {
    throw new ConfigFormatError(
      `has an entry ${JSON.stringify(name)} that starts another program: give another name with --name`,
    );
  }
  const after = format.write(text, section, name, entry);
  const merged = { ...known, ...entry };
  if (known !== undefined && isDeepStrictEqual({ ...known }, merged)) {
    return `${host.title} is set up already: ${file} was left as it is.\n`;
  }
  const isThere = existsSync(dirname(file));
  const copy = await replaceConfigFile(file, text, after);
  return [
    `${host.title} is set up: ${file} has the entry ${JSON.stringify(name)}. ${host.reload}\n`,
    ...(copy === undefined ? [] : [`The file as it was: ${copy}\n`]),
    ...(isThere ? [] : [`${dirname(file)} was not there: is ${host.title} installed for this user?\n`]),
  ].join("");
}

async function remove({ host, file, text, name }: Target): Promise<string> {
  const { format, section, title } = host;
  const known = format.entries(text, section)[name];
  if (known === undefined) return `${title} has no entry ${JSON.stringify(name)} in ${file}: nothing was changed.\n`;
  if (!isOurs(known)) {
    throw new ConfigFormatError(
      `has an entry ${JSON.stringify(name)} that starts another program: take it out by hand`,
    );
  }
  const copy = await replaceConfigFile(file, text, format.remove(text, section, name));
  return `The entry ${JSON.stringify(name)} is out of ${file}. ${host.reload}\nThe file as it was: ${copy}\n`;
}

/** The words of the command that an entry starts, however its host writes them. */
export function commandOf(entry: Entry): string[] {
  return [entry["command"], entry["args"]].flat().filter((word) => typeof word === "string");
}

/** Whether an entry starts this program, be it another copy of it: `node .../dist/main.js`, `npx -y artifacts-mcp`. */
export function isOurs(entry: Entry): boolean {
  const program = /(?:^|[\\/])artifacts-mcp(?:\.cmd|@[^\\/]*)?$|[\\/]dist[\\/]main\.js$/;
  return commandOf(entry)
    .slice(0, 3)
    .some((word) => program.test(word));
}
