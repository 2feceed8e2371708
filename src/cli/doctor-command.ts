import { execFile } from "node:child_process";
import { stat, statfs } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { DataDirectoryError } from "../engines/data-directory-error.js";
import { inspectDataDirectory } from "../engines/data-root.js";
import { inspectSafety } from "../engines/disk/safety.js";
import { loadSqliteDriver, nodesWithSafeSqlite } from "../engines/sqlite/database/driver.js";
import type { DoctorConfig } from "./command-line.js";
import { messageFor } from "./messages.js";
import { readConfigFile } from "./setup/config-file.js";
import { ConfigFormatError } from "./setup/config-format.js";
import { commandOf, type Launch, launchOf } from "./setup/entry.js";
import { type Host, hosts } from "./setup/hosts.js";
import type { Surroundings } from "./setup/surroundings.js";

/** One line of the report: what was looked at, what was found, and what to do about it. */
interface Finding {
  readonly state: "ok" | "note" | "fault";
  readonly text: string;
}

const ok = (text: string): Finding => ({ state: "ok", text });
const note = (text: string): Finding => ({ state: "note", text });
const fault = (text: string): Finding => ({ state: "fault", text });

export interface Report {
  readonly text: string;
  /** There is no fault. */
  readonly isSound: boolean;
}

/**
 * Looks at what a server needs and at who is configured to start one. Nothing is changed.
 *
 * @param program how the person starts this program
 */
export async function runDoctor(config: DoctorConfig, program: string, surroundings: Surroundings): Promise<Report> {
  const findings = [
    node(),
    await driver(),
    ...(await dataDirectory(config)),
    ...(await configuredHosts(program, surroundings)),
  ];
  return {
    text: findings.map(({ state, text }) => `${state.padEnd(6)}${text}\n`).join(""),
    isSound: findings.every(({ state }) => state !== "fault"),
  };
}

function node(): Finding {
  const about = `Node ${process.version} at ${process.execPath}`;
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major >= 22) return ok(about);
  return note(`${about}: its support has ended; use ${nodesWithSafeSqlite}`);
}

async function driver(): Promise<Finding> {
  try {
    const { name, sqliteVersion } = await loadSqliteDriver();
    return ok(`SQLite ${sqliteVersion} by ${name}`);
  } catch (error) {
    return fault((error as Error).message);
  }
}

async function dataDirectory({ root, isRootNamed }: DoctorConfig): Promise<Finding[]> {
  const words = {
    store: "holds a store",
    empty: "empty; the first start fills it",
    missing: "not there yet; the first start makes it",
  };
  try {
    const found = await inspectDataDirectory(root, { isNamed: isRootNamed });
    const unsafe = (await inspectSafety(root, process.getuid?.())).map(({ path, why }) => note(`${path}: ${why}`));
    return [ok(`data directory ${root}: ${words[found]}`), ...unsafe, await space(root)];
  } catch (error) {
    if (error instanceof DataDirectoryError) return [fault(messageFor(error))];
    throw error;
  }
}

/** File systems by the number that statfs(2) of Linux gives each. */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x2fc12fc1, "zfs"],
  [0xf2f52010, "f2fs"],
  [0x794c7630, "overlay"],
  [0x01021994, "tmpfs"],
  [0x6969, "nfs"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x01021997, "9p"],
  [0x65735546, "fuse"],
  [0x2011bab0, "exfat"],
  [0x4d44, "vfat"],
]);
const betweenMachines = ["nfs", "cifs", "smb2", "9p"];
const lowBytes = 1024 ** 3;

/** Of the file system that a path is on, or will be. */
async function space(path: string): Promise<Finding> {
  const found = await statfs(path).catch(() => undefined);
  if (found === undefined) return space(dirname(path));
  const { type, bavail, bsize } = found;
  const name = process.platform === "linux" ? (fileSystems.get(type) ?? `type 0x${type.toString(16)}`) : "";
  const free = bavail * bsize;
  const about = `file system${name && ` ${name}`} of ${path}: ${(free / 1e9).toFixed(1)} GB free`;
  if (free === 0) return fault(`${about}; make room`);
  if (betweenMachines.includes(name)) return note(`${about}; only servers of one machine may use it at a time`);
  if (name === "tmpfs") return note(`${about}; it is in memory, and gone when the machine restarts`);
  return free < lowBytes ? note(`${about}; that is little`) : ok(about);
}

async function configuredHosts(program: string, surroundings: Surroundings): Promise<Finding[]> {
  const findings: Finding[] = [];
  const missing: string[] = [];
  for (const host of hosts) {
    const file = host.file(surroundings);
    const text = await readConfigFile(file).catch((error: Error) => error);
    if (text instanceof Error) findings.push(fault(`${host.title}: ${file} cannot be read (${text.message})`));
    else if (text !== "" || (await hasFolder(file, surroundings))) {
      findings.push(...(await entriesOf({ host, file, text, setup: `${program} setup ${host.id} --write` })));
    } else missing.push(host.id);
  }
  if (missing.length > 0) findings.push(note(`not found for this user: ${missing.join(", ")}`));
  return findings;
}

/** Whether a host without a configuration is installed: it has made a folder of its own. */
async function hasFolder(file: string, { home }: Surroundings): Promise<boolean> {
  const folder = dirname(file);
  return folder !== home && (await stat(folder).catch(() => undefined)) !== undefined;
}

interface HostFile {
  readonly host: Host;
  readonly file: string;
  readonly text: string;
  /** The command that sets the host up. */
  readonly setup: string;
}

async function entriesOf({ host, file, text, setup }: HostFile): Promise<Finding[]> {
  try {
    const all = Object.entries(host.format.entries(text, host.section));
    const ours = all.flatMap(([name, entry]) => {
      const launch = launchOf(entry);
      return launch === undefined ? [] : [{ host, file, name, launch, setup }];
    });
    if (ours.length > 0) return await Promise.all(ours.map(entryOf));
    const taken = all.find(([name]) => name === "artifacts");
    if (taken === undefined) return [note(`${host.title}: not set up in ${file}; run \`${setup}\``)];
    const other = commandOf(taken[1]).join(" ");
    return [note(`${host.title}: its "artifacts" starts another program (${other}); run \`${setup} --name NAME\``)];
  } catch (error) {
    if (error instanceof ConfigFormatError) return [fault(`${host.title}: ${file} ${error.message}`)];
    throw error;
  }
}

interface HostEntry extends Omit<HostFile, "text"> {
  readonly name: string;
  readonly launch: Launch;
}

/** Runs what the host would run, to see whether it starts. */
async function entryOf({ host, file, name, launch, setup }: HostEntry): Promise<Finding> {
  const { words, options } = launch;
  const about = `${host.title}: ${file} starts ${JSON.stringify(name)} by ${[...words, ...options].join(" ")}`;
  const [command = "", ...args] = words;
  const main = words.at(-1) ?? "";
  for (const path of [command, main]) {
    const isMissing = isAbsolute(path) && (await stat(path).catch(() => undefined)) === undefined;
    if (isMissing) return fault(`${about}; ${path} is not there: run \`${setup}\``);
  }
  const isFound = isAbsolute(command) && isAbsolute(main);
  if (!isFound) return note(`${about}; a desktop program may not find it: run \`${setup}\``);
  const { error, stderr } = await run(command, [...args, "--version", "--verbose"]);
  if (error === null) return ok(about);
  return fault(`${about}; it does not start: ${stderr.trim().split("\n")[0] || error.message}`);
}

function run(command: string, args: readonly string[]): Promise<{ error: Error | null; stderr: string }> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: 30_000 }, (error, _, stderr) => resolve({ error, stderr }));
  });
}
