import { commandTable } from "../../src/cli/options/command-table.js";
import {
  type OptionName,
  optionNames,
  options,
  serverOptionNames,
  variableOf,
} from "../../src/cli/options/option-table.js";
import { syntaxOf } from "../../src/cli/options/usage.js";

/** Variables of the platform that the program reads too. */
const otherVariables: readonly (readonly [name: string, use: string])[] = [
  ["HOME", "the home directory, in which the default data directory is, and which `~/` stands for"],
  ["XDG_DATA_HOME", "on Linux the folder of the default data directory; a relative path is ignored"],
  ["LOCALAPPDATA", "on Windows the folder of the default data directory, and of the cache"],
  [
    "XDG_CACHE_HOME",
    "the folder in which a package keeps compiled code if it cannot write to its own folder; a relative path is ignored",
  ],
  ["UV_THREADPOOL_SIZE", "the number of Node's threads for files; 8 if it is not set"],
];

/** Makes the text of docs/options.md from the tables of options and commands. */
export function optionsPage(): string {
  const groups = [...new Set(optionNames.map((name) => options[name].group))];
  return `<!-- Made by \`npm run docs\` from src/cli/options/option-table.ts. Change the table, not this page. -->
# Options

\`artifacts-mcp\` is the command of an installed package. In a checkout, write \`node dist/main.js\` in its place.

Each of these options of the server can also be set by an environment variable. The command line wins. An option that is
repeatable takes several values: write it several times. A directory may begin with \`~/\`. Bytes are written without a
unit and without separators: \`8388608\`.

The limits on all content and on unfinished uploads see the work of other processes within seconds. They are not exact to
the byte.

${tableOf(["option", "what it does", "default"], serverOptionNames.map(summary))}

${groups.map(section).join("\n\n")}

## Other environment variables

${tableOf(
  ["variable", "what it sets"],
  otherVariables.map(([name, use]) => [`\`${name}\``, use]),
)}

\`setup\` and \`doctor\` also read the variables with which each host names the folder of its configuration.

## Commands

${Object.values(commandTable)
  .map(({ usage, help, details }) => `### \`artifacts-mcp ${usage}\`\n\n${wrapped(`${sentence(help)} ${details}`)}`)
  .join("\n\n")}

## Exit codes

${tableOf(
  ["command", "code", "meaning"],
  Object.entries(commandTable).flatMap(([name, { exitCodes }]) =>
    exitCodes.map(([code, meaning]) => [`\`${name}\``, String(code), meaning]),
  ),
)}

\`serve\` is the program without a command. If Node is too old, or a file of the package is missing, every command ends
with 1.
`;
}

/** How the help of an option says that it may be given several times. */
const repeatable = "; repeatable";

function summary(name: OptionName): string[] {
  const { help } = options[name];
  return [`[\`${syntaxOf(name)}\`](#${anchorOf(name)})`, help, defaultOf(name)];
}

/** The anchor that GitHub gives to the heading of an option. */
const anchorOf = (name: OptionName): string =>
  syntaxOf(name)
    .toLowerCase()
    .replaceAll(/[^\w -]/g, "")
    .replaceAll(" ", "-");

const defaultOf = (name: OptionName): string => options[name].defaultText ?? "off";

function section(group: string): string {
  const names = optionNames.filter((name) => options[name].group === group);
  return `## ${group}\n\n${names.map(optionText).join("\n\n")}`;
}

function optionText(name: OptionName): string {
  const { help, details, unit, example, parser, commands, hasNoVariable, defaultText } = options[name];
  const variable = variableOf(name);
  const hasDefault = parser !== undefined && (defaultText !== undefined || hasNoVariable !== true);
  const facts = [
    ...(commands.includes("serve") ? [] : [`- Commands: ${commands.map((command) => `\`${command}\``).join(", ")}`]),
    ...(hasDefault ? [`- Default: ${defaultOf(name)}`] : []),
    ...(unit === undefined ? [] : [`- Unit: ${unit}`]),
    ...(variable === undefined ? [] : [`- Environment variable: \`${variable}\``]),
    ...(help.includes(repeatable) ? ["- Repeatable"] : []),
    ...(example === undefined ? [] : [`- Example: \`${example}\``]),
  ];
  const text = [sentence(help), details].filter((part) => part !== undefined).join(" ");
  return [`### \`${syntaxOf(name)}\``, wrapped(text), ...(facts.length > 0 ? [facts.join("\n")] : [])].join("\n\n");
}

/** A line of help as a sentence. */
function sentence(help: string): string {
  return `${help.charAt(0).toUpperCase()}${help.slice(1).replace(repeatable, "")}.`;
}

/** A paragraph in lines of at most 120 characters. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,120})(?: |$)/g, "$1\n").trimEnd();
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
