import { delimiter } from "node:path";
import { commandTable, commandWords } from "./command-table.js";
import { type OptionName, optionNames, options, serverOptionNames, variableOf } from "./option-table.js";

const line = (name: string, help: string): string => `  ${name.padEnd(28)} ${help}\n`;

const commandLines = commandWords.map((word) => line(word, commandTable[word].help)).join("");

const usageLines = Object.values(commandTable)
  .map(({ usage }, index) => `${index === 0 ? "Usage:" : "      "} artifacts-mcp ${usage}\n`)
  .join("");

const exitLines = Object.entries(commandTable)
  .flatMap(([command, { exitCodes }]) =>
    exitCodes.map(
      ([code, meaning], index) => `  ${(index === 0 ? command : "").padEnd(8)} ${code}  ${plain(meaning)}\n`,
    ),
  )
  .join("");

/** The text of `--help`. */
export const usage = `artifacts-mcp: an artifact store for AI agents, over the Model Context Protocol and HTTP

${usageLines}
Without a command it serves the store. DIR is one more --allow-path; it contains a slash, or begins with ~ or a dot.

Commands:
${commandLines}
Options of the server:
${optionLines(serverOptionNames)}
Options of verify, with --root and --log-level:
${optionLines(inGroup("Options of verify"))}
Options of setup, with those of the server:
${optionLines(inGroup("Options of setup"))}
Options of every command:
${optionLines(inGroup("Options of every command"))}
Environment variables: each option of the server has one. That of --session-ttl is ${variableOf("session-ttl")}. An option on the
command line wins. ${variableOf("allow-path")} separates directories by "${delimiter}", ${variableOf("http-origin")} origins by ",".
A directory may begin with ~/.

Exit codes:
${exitLines}`;

function optionLines(names: readonly OptionName[]): string {
  return names.map((name) => line(syntaxOf(name), helpOf(name))).join("");
}

function inGroup(group: string): OptionName[] {
  return optionNames.filter((name) => options[name].group === group);
}

/** How an option is written, with the name of its value. */
export function syntaxOf(name: OptionName): string {
  const { value } = options[name];
  return value === undefined ? `--${name}` : `--${name} ${value}`;
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
