import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { readConfigFile } from "../setup/config-file.js";
import { ConfigFormatError } from "../setup/config-format.js";
import { commandOf, type Launch, launchOf } from "../setup/entry.js";
import { type Host, hosts } from "../setup/hosts.js";
import type { Surroundings } from "../setup/surroundings.js";
import { type Finding, fault, note, ok } from "./finding.js";

/**
 * Reports on each host of this user: whether it is configured to start this server, and whether what it starts works.
 *
 * @param startCommand how the person starts this program
 */
export async function hostFindings(startCommand: string, surroundings: Surroundings): Promise<Finding[]> {
  const findings: Finding[] = [];
  const missing: string[] = [];
  for (const host of hosts) {
    const file = host.file(surroundings);
    const text = await readConfigFile(file).catch((error: Error) => error);
    if (text instanceof Error) findings.push(fault(`${host.title}: ${file} cannot be read (${text.message})`));
    else if (text !== "" || (await hasFolder(file, surroundings))) {
      findings.push(...(await fileFindings({ host, file, text, setup: `${startCommand} setup ${host.id} --write` })));
    } else missing.push(host.id);
  }
  if (missing.length > 0) findings.push(note(`not found for this user: ${missing.join(", ")}`));
  return findings;
}

/** Whether a host that has no configuration file is installed: it has then made a folder of its own. */
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

async function fileFindings({ host, file, text, setup }: HostFile): Promise<Finding[]> {
  try {
    const all = Object.entries(host.format.entries(text, host.section));
    const ours = all.flatMap(([name, entry]) => {
      const launch = launchOf(entry);
      return launch === undefined ? [] : [{ host, file, name, launch, setup }];
    });
    if (ours.length > 0) return await Promise.all(ours.map(entryFinding));
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

/** Runs what the host would run, with `--version`, to see whether it starts. */
async function entryFinding({ host, file, name, launch, setup }: HostEntry): Promise<Finding> {
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
