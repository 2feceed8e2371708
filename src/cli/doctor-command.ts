import { constants } from "node:fs";
import { access, readFile, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadSqliteDriver } from "../engines/sqlite/driver.js";
import type { DoctorConfig } from "./command-line.js";
import { readConfigFile } from "./setup/config-file.js";
import { type Host, hosts } from "./setup/hosts.js";
import { commandOf, isOurs } from "./setup/setup-command.js";
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

/** Looks at what a server needs and at who is configured to start one. Nothing is changed. */
export async function runDoctor(config: DoctorConfig, surroundings: Surroundings): Promise<Report> {
  const findings = [
    node(),
    await driver(),
    ...(await dataDirectory(config.root)),
    ...(await configuredHosts(surroundings)),
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
  return note(`${about}: its support has ended; use Node 22 or newer, which needs no driver for SQLite`);
}

async function driver(): Promise<Finding> {
  try {
    const { name, sqliteVersion } = await loadSqliteDriver();
    return ok(`SQLite ${sqliteVersion} by ${name}`);
  } catch (error) {
    return fault((error as Error).message);
  }
}

async function dataDirectory(root: string): Promise<Finding[]> {
  const found = await stat(root).catch(() => undefined);
  if (found === undefined) {
    const parent = await nearestFolder(root);
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

async function configuredHosts(surroundings: Surroundings): Promise<Finding[]> {
  const findings: Finding[] = [];
  const missing: string[] = [];
  for (const host of hosts) {
    const file = host.file(surroundings);
    const text = await readConfigFile(file).catch((error: Error) => error);
    if (text instanceof Error) findings.push(fault(`${host.title}: ${file} cannot be read (${text.message})`));
    else if (text !== "" || (await hasFolder(file, surroundings)))
      findings.push(...(await entriesOf(host, file, text)));
    else missing.push(host.id);
  }
  if (missing.length > 0) findings.push(ok(`not found for this user: ${missing.join(", ")}`));
  return findings;
}

/** Whether a host without a configuration is installed: it has made a folder of its own. */
async function hasFolder(file: string, { home }: Surroundings): Promise<boolean> {
  const folder = dirname(file);
  return folder !== home && (await stat(folder).catch(() => undefined)) !== undefined;
}

async function entriesOf(host: Host, file: string, text: string): Promise<Finding[]> {
  try {
    const ours = Object.entries(host.format.entries(text, host.section)).filter(([, entry]) => isOurs(entry));
    if (ours.length === 0) return [note(`${host.title}: not set up; run \`artifacts-mcp setup ${host.id} --write\``)];
    return await Promise.all(
      ours.map(async ([name, entry]) => {
        const words = commandOf(entry);
        const about = `${host.title}: ${file} starts ${JSON.stringify(name)} by ${words.join(" ")}`;
        const gone = await firstMissing(words.slice(0, 2));
        if (gone === undefined) return ok(about);
        return fault(`${about}; ${gone} is not there: run \`artifacts-mcp setup ${host.id} --write\``);
      }),
    );
  } catch (error) {
    return [fault(`${host.title}: ${file} ${(error as Error).message}; mend it`)];
  }
}

/** Of the words that are absolute paths, the first that leads nowhere. */
async function firstMissing(words: readonly string[]): Promise<string | undefined> {
  for (const word of words) {
    const isPath = /^(?:\/|[A-Za-z]:[\\/])/.test(word);
    if (isPath && (await stat(word).catch(() => undefined)) === undefined) return word;
  }
  return undefined;
}
