import { delimiter } from "node:path";
import { type CommandName, commandWords } from "./command-names.js";
import { commandTable } from "./command-table.js";
import { type OptionName, optionNames, options, serverOptionNames, variableOf } from "./option-table.js";

const line = (name: string, help: string): string => `  ${name.padEnd(28)} ${help}\n`;

const commandLines = commandWords.map((word) => line(word, commandTable[word].help)).join("");

const exitLines = (command: CommandName): string =>
  commandTable[command].exitCodes.map(([code, meaning]) => `  ${code}  ${plain(meaning)}\n`).join("");

/** The text of `--help`. */
export const usage = `artifacts-mcp: an artifact store for AI agents, over the Model Context Protocol and HTTP

Usage: artifacts-mcp ${commandTable.serve.usage}
       artifacts-mcp COMMAND [options] [ARGUMENT ...]

Without a command it serves the store. DIR is one more --allow-path; it contains a slash, or begins with ~ or a dot.
"artifacts-mcp COMMAND --help" explains one command.

Commands:
${commandLines}
Options of the server:
${optionLines(serverOptionNames)}
Options of every command:
${optionLines(inGroup("Options of every command"))}
Environment variables: each option of the server has one. That of --session-ttl is ${variableOf("session-ttl")}. An option on the
command line wins. ${variableOf("allow-path")} separates directories by "${delimiter}", ${variableOf("http-origin")} origins by ",".
A directory may begin with ~/.

Exit codes of the server:
${exitLines("serve")}`;

/** The text of `COMMAND --help`. */
export function usageOf(command: CommandName): string {
  const { usage: syntax, help, details } = commandTable[command];
  const own = optionNames.filter((name) => options[name].commands.includes(command));
  const more = details === "" ? "" : `${plain(details)}\n`;
  return `Usage: artifacts-mcp ${syntax}

${help.charAt(0).toUpperCase()}${help.slice(1)}.
${more}
Options:
${optionLines(own)}
Exit codes:
${exitLines(command)}`;
}

function optionLines(names: readonly OptionName[]): string {
  return names.map((name) => line(syntaxOf(name), helpOf(name))).join("");
}

function inGroup(group: string): OptionName[] {
  return optionNames.filter((name) => options[name].group === group);
}

/** How an option is written, with the name of its value. */
export function syntaxOf(name: OptionName): string {
  const { value, short } = options[name];
  const letter = short === undefined ? "" : `-${short}, `;
  return value === undefined ? `${letter}--${name}` : `${letter}--${name} ${value}`;
}

function helpOf(name: OptionName): string {
  const { help, unit, value, defaultText } = options[name];
  const notes = [
    ...(unit === undefined || help.includes(unit) ? [] : [plain(unit)]),
    ...(defaultText ? [`default: ${plain(defaultText)}`] : []),
  ];
  return value === undefined || notes.length === 0 ? help : `${help} (${notes.join("; ")})`;
}

/** Without the marks of Markdown. */
function plain(text: string): string {
  return text.replaceAll("`", "");
}
