import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { SetupConfig } from "../options/setup-config.js";
import { readConfigFile, replaceConfigFile } from "./config-file.js";
import { ConfigFormatError, type Entry } from "./config-format.js";
import { launchOf } from "./entry.js";
import { type Host, hosts } from "./hosts.js";
import type { Surroundings } from "./surroundings.js";

/** `setup` cannot be done. The message is one line that says what to do. */
export class SetupError extends Error {
  override readonly name = "SetupError";
  /** 1 if it cannot be done here, 2 if the command line is wrong. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2, options?: ErrorOptions) {
    super(`setup: ${message}`, options);
    this.exitCode = exitCode;
  }
}

/** The paths with which a host starts this program. They are absolute, because desktop programs have no PATH. */
export interface Program {
  readonly node: string;
  readonly main: string;
}

/**
 * Prints, writes or removes the entry of this server in the configuration of a host.
 *
 * @returns the text for stdout
 * @throws SetupError
 */
export async function runSetup(config: SetupConfig, program: Program, surroundings: Surroundings): Promise<string> {
  const host = hostOf(config.host);
  const file = host.file(surroundings);
  if (config.action === "print") return printed(host, file, config, program);
  if (config.action === "write") checkProgram(program);
  checkRoot(config);
  try {
    const target = { host, file, name: config.name, text: await readConfigFile(file) };
    return config.action === "write" ? await write(target, config, program) : await remove(target);
  } catch (cause) {
    const { message } = cause as Error;
    const why = cause instanceof ConfigFormatError ? `it ${message}` : `it cannot be changed: ${message}`;
    throw new SetupError(`${file} was left as it is: ${why}`, 1, { cause });
  }
}

/** @throws SetupError if it is unknown */
function hostOf(id: string | undefined): Host {
  const host = hosts.find((each) => each.id === id);
  if (host !== undefined) return host;
  const what = id === undefined ? "no host is named" : `${JSON.stringify(id)} is not known`;
  throw new SetupError(`${what}: the hosts are ${hosts.map((each) => each.id).join(", ")}`, 2);
}

/** @throws SetupError if the program is in npm's cache, from which npm may remove it */
function checkProgram({ node, main }: Program): void {
  const cached = [node, main].find((path) => /[\\/]_npx[\\/]/.test(path));
  if (cached === undefined) return;
  throw new SetupError(`${cached} lies in npm's cache and may be removed: run setup by an installed one`, 1);
}

/** @throws SetupError if the server would refuse the data directory */
function checkRoot({ directories: { root } }: SetupConfig): void {
  if (root === undefined || existsSync(dirname(root))) return;
  throw new SetupError(
    `the data directory ${root} cannot be made, as ${dirname(root)} does not exist: make it first`,
    1,
  );
}

function printed(host: Host, file: string, config: SetupConfig, { node, main }: Program): string {
  const args = [main, ...(config.serverArguments.length > 0 ? config.serverArguments : config.defaultArguments)];
  const notes = [
    `${host.title}: put this into ${file}, or run the same with --write. ${host.reload}`,
    ...(host.alternative === undefined ? [] : [host.alternative(config.name, node, args)]),
    ...missingDirectories(config),
  ];
  const entry = { ...host.entry(node, args), ...host.initial };
  return [...notes.map((note) => `# ${note}`), host.format.write("", host.section, config.name, entry)].join("\n");
}

/** Notes on allowed directories that do not exist. The server warns about them too, but only in its log. */
function missingDirectories({ directories: { allowed } }: SetupConfig): string[] {
  const missing = allowed.filter((path) => !statSync(path, { throwIfNoEntry: false })?.isDirectory());
  return missing.map((path) => `${path} is no directory: it allows nothing until you make it.`);
}

interface Target {
  readonly host: Host;
  readonly file: string;
  /** The text of the file. */
  readonly text: string;
  readonly name: string;
}

async function write(target: Target, config: SetupConfig, { node, main }: Program): Promise<string> {
  const { host, file, text, name } = target;
  const { format, section, title } = host;
  const known = entryIn(target);
  const launch = known && launchOf(known);
  if (known !== undefined && launch === undefined) {
    throw new ConfigFormatError(
      `has an entry ${JSON.stringify(name)} that starts another program: give another name with --name`,
    );
  }
  // Without options, `setup` only corrects the paths: the server goes on with the same data directory.
  const kept = launch?.options ?? config.defaultArguments;
  const args = config.serverArguments.length > 0 ? config.serverArguments : kept;
  const entry: Entry = { ...(known === undefined ? host.initial : {}), ...host.entry(node, [main, ...args]) };
  const notes = missingDirectories(config);
  if (known !== undefined && isDeepStrictEqual({ ...known }, { ...known, ...entry })) {
    return lines(`${title} is set up already: ${file} was left as it is.`, ...notes);
  }
  const isThere = existsSync(dirname(file));
  const copy = await replaceConfigFile(file, text, format.write(text, section, name, entry));
  return lines(
    `${title} is set up: ${file} has the entry ${JSON.stringify(name)}. ${host.reload}`,
    known !== undefined && args.length > 0 ? `It starts the server with ${args.join(" ")}` : undefined,
    copy && `The file as it was: ${copy}`,
    isThere ? undefined : `${dirname(file)} was not there: is ${title} installed for this user?`,
    ...notes,
  );
}

async function remove(target: Target): Promise<string> {
  const { host, file, text, name } = target;
  const { format, section, title } = host;
  const known = format.entries(text, section)[name];
  if (known === undefined)
    return lines(`${title} has no entry ${JSON.stringify(name)} in ${file}: nothing was changed.`);
  if (launchOf(known) === undefined) {
    throw new ConfigFormatError(
      `has an entry ${JSON.stringify(name)} that starts another program: take it out by hand`,
    );
  }
  const copy = await replaceConfigFile(file, text, format.remove(text, section, name));
  return lines(
    `The entry ${JSON.stringify(name)} is out of ${file}. Start ${title} again.`,
    `The file as it was: ${copy}`,
  );
}

function entryIn({ host: { format, section }, text, name }: Target): Entry | undefined {
  const entries = format.entries(text, section);
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

const lines = (...texts: readonly (string | undefined)[]): string =>
  texts.flatMap((text) => (text === undefined ? [] : [`${text}\n`])).join("");
