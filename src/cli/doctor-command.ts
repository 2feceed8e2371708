import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readFile, stat, statfs } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { loadSqliteDriver } from "../engines/sqlite/driver.js";
import type { DoctorConfig } from "./command-line.js";
import { readConfigFile } from "./setup/config-file.js";
import type { Entry } from "./setup/config-format.js";
import { commandOf, isOurs } from "./setup/entry.js";
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
  return note(`${about}: its support has ended; use Node 22.22.3, 24.15 or newer`);
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
  const found = await stat(root).catch(() => undefined);
  if (found === undefined) {
    const parent = await nearestFolder(root);
    if (isRootNamed && parent !== dirname(root)) {
      return [fault(`data directory ${root}: it cannot be made, as ${dirname(root)} does not exist; make that first`)];
    }
    return [ok(`data directory ${root}: not there yet; the first start makes it`), await space(parent)];
  }
  if (!found.isDirectory()) return [fault(`data directory ${root}: it is a file; give another --root`)];
  const isWritable = await access(root, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable) return [fault(`data directory ${root}: not writable; make it so, or give another --root`)];
  const format = await readFile(join(root, "format"), "utf8").catch(() => "");
  const about = format === "" ? "empty; the first start fills it" : `format ${format.trim()}`;
  return [ok(`data directory ${root}: ${about}`), await space(root)];
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** Linux's numbers of file systems, from statfs(2). */
const fileSystems: Readonly<Record<number, string>> = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  801189825: "zfs",
  4076150800: "f2fs",
  2035054128: "overlay",
  16914836: "tmpfs",
  26985: "nfs",
  4283649346: "cifs",
  4266872130: "smb2",
  16914839: "9p",
  1702057286: "fuse",
  538032816: "exfat",
  19780: "vfat",
};
const betweenMachines = ["nfs", "cifs", "smb2", "9p"];
const lowBytes = 1024 ** 3;

async function space(folder: string): Promise<Finding> {
  const { type, bavail, bsize } = await statfs(folder);
  const name = process.platform === "linux" ? (fileSystems[type] ?? `type 0x${type.toString(16)}`) : "";
  const free = bavail * bsize;
  const about = `file system${name && ` ${name}`} of ${folder}: ${(free / 1e9).toFixed(1)} GB free`;
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
    const ours = all.filter(([, entry]) => isOurs(entry));
    if (ours.length > 0)
      return await Promise.all(ours.map(([name, entry]) => entryOf({ host, file, name, entry, setup })));
    const taken = all.find(([name]) => name === "artifacts");
    if (taken === undefined) return [note(`${host.title}: not set up; run \`${setup}\``)];
    const other = commandOf(taken[1]).join(" ");
    return [note(`${host.title}: its "artifacts" starts another program (${other}); run \`${setup} --name NAME\``)];
  } catch (error) {
    return [fault(`${host.title}: ${file} ${(error as Error).message}`)];
  }
}

interface HostEntry extends Omit<HostFile, "text"> {
  readonly name: string;
  readonly entry: Entry;
}

/** Runs what the host would run, to see whether it starts. */
async function entryOf({ host, file, name, entry, setup }: HostEntry): Promise<Finding> {
  const words = commandOf(entry);
  const about = `${host.title}: ${file} starts ${JSON.stringify(name)} by ${words.join(" ")}`;
  const [command = "", main = ""] = words;
  for (const path of [command, main]) {
    const isMissing = isAbsolute(path) && (await stat(path).catch(() => undefined)) === undefined;
    if (isMissing) return fault(`${about}; ${path} is not there: run \`${setup}\``);
  }
  if (!isAbsolute(command) || !isAbsolute(main))
    return note(`${about}; a desktop program may not find it: run \`${setup}\``);
  const { error, stderr } = await run(command, [main, "--version", "--verbose"]);
  if (error === null) return ok(about);
  return fault(`${about}; it does not start: ${stderr.trim().split("\n")[0] || error.message}`);
}

function run(command: string, args: readonly string[]): Promise<{ error: Error | null; stderr: string }> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: 30_000 }, (error, _, stderr) => resolve({ error, stderr }));
  });
}
