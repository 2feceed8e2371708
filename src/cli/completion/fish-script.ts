import type { CompletedCommand, CompletedOption, WordKind } from "./completed-command.js";

/** A completion script for fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const [serve, ...named] = commands;
  const lines = [
    ...named.map(({ name, help }) => line("__artifacts_mcp_is_first", `-f -a ${name} -d ${quoted(help)}`)),
    ...(serve === undefined ? [] : linesOf(serve, `not __artifacts_mcp_is ${named.map(({ name }) => name).join(" ")}`)),
    ...named.flatMap((command) => linesOf(command, `__artifacts_mcp_is ${command.name}`)),
  ];
  return `# Completes artifacts-mcp in fish: artifacts-mcp completion fish > ~/.config/fish/completions/artifacts-mcp.fish

# Whether the next word is the first one.
function __artifacts_mcp_is_first
    test (count (commandline -opc)) -eq 1
end

# Whether the command is one of these.
function __artifacts_mcp_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

# Addresses that begin with the current word, by the program itself.
function __artifacts_mcp_addresses
    set -l words (commandline -opc)
    set -l word (string unescape -- (commandline -ct))
    set -l root
    set -l at (contains -i -- --root $words); and set root --root (string replace -r '^~/' "$HOME/" -- $words[(math $at + 1)])
    for line in ($words[1] ls --begins-with $root -- "$word" 2>/dev/null)
        string match -q '*/*' -- $word; and echo $line; or echo $line/
    end
end

complete -c artifacts-mcp -f
${lines.join("\n")}
`;
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
const line = (condition: string, rest: string): string => `complete -c artifacts-mcp -n '${condition}' ${rest}`;

function linesOf({ options, words }: CompletedCommand, condition: string): string[] {
  return [
    ...words.map((word) => line(condition, wordAction(word))),
    ...options.map((option) => line(condition, optionText(option))),
  ];
}

function wordAction(word: WordKind): string {
  if (word === "address") return "-f -a '(__artifacts_mcp_addresses)'";
  if (word === "file") return "-F";
  if (word === "directory") return "-f -a '(__fish_complete_directories)'";
  return `-f -a '${word.join(" ")}'`;
}

function optionText({ name, short, help, value }: CompletedOption): string {
  const letter = short === undefined ? "" : ` -s ${short}`;
  const values = value === undefined || value === "text" ? "" : ` ${wordAction(value)}`;
  return `-l ${name}${letter}${value === undefined ? "" : " -r"}${values} -d ${quoted(help)}`;
}
