import type { CompletedCommand, CompletedOption } from "./completed-command.js";
import { valueCases } from "./value-cases.js";

/** A completion script for zsh: a file `_artifacts-mcp` of a folder in `fpath`, or read after `compinit`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const [serve, ...named] = commands;
  return `#compdef artifacts-mcp
# Completes artifacts-mcp in zsh. In ~/.zshrc, after compinit: eval "$(artifacts-mcp completion zsh)"

# Addresses that begin with the current word, by the program itself.
_artifacts-mcp_addresses() {
  local word=\${(Q)PREFIX} line
  local -a root folders names
  local at=\${words[(I)--root]}
  (( at > 0 && at + 1 < CURRENT )) && root=(--root "\${(Q)\${words[at + 1]/#\\~\\//$HOME/}}")
  for line in "\${(@f)$(\${(Q)words[1]} ls --begins-with $root -- "$word" 2>/dev/null)}"; do
    if [[ $line == '' ]]; then continue
    elif [[ $word != */* ]]; then folders+=("$line/")
    elif [[ $line == */ ]]; then folders+=("$line")
    else names+=("$line")
    fi
  done
  compadd -S '' -a folders
  compadd -a names
}

_artifacts-mcp() {
  local command=\${words[2]} previous=\${words[CURRENT - 1]}
  local -a commands options few kinds
  commands=(
${named.map(({ name, help }) => `    ${quoted(`${name}:${help}`)}`).join("\n")}
  )
  case $command in
${named.map((command) => `    ${command.name})\n${settings(command)} ;;`).join("\n")}
    *)
${serve === undefined ? "" : settings(serve)}
      (( CURRENT == 2 )) && _describe command commands ;;
  esac
  case $previous in
${valueCases(commands, valueAction)}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe option options
    return
  fi
  compadd -a few
  (( \${kinds[(I)address]} )) && _artifacts-mcp_addresses
  (( \${kinds[(I)file]} )) && _files
  (( \${kinds[(I)directory]} )) && _files -/
  return 0
}

if [[ $funcstack[1] == _artifacts-mcp ]]; then _artifacts-mcp "$@"; else compdef _artifacts-mcp artifacts-mcp; fi
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function settings({ options, words }: CompletedCommand): string {
  const kinds = words.filter((word) => typeof word === "string");
  const few = words.flatMap((word) => (typeof word === "string" ? [] : word));
  return `      options=(
${options.map(({ name, help }) => `        ${quoted(`--${name}:${help.replaceAll(":", "\\:")}`)}`).join("\n")}
      )
      few=(${few.join(" ")}) kinds=(${kinds.join(" ")})`;
}

function valueAction({ value }: CompletedOption): string {
  if (typeof value === "object") return `compadd -- ${value.join(" ")}; `;
  return value === "directory" ? "_files -/; " : "";
}
