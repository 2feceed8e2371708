import type { CompletedCommand, CompletedOption } from "./completed-command.js";
import { valueCases } from "./value-cases.js";

/** A completion script for bash 3.2 and newer, which needs no other package. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const [serve, ...named] = commands;
  return `# Completes artifacts-mcp in bash. In ~/.bashrc: eval "$(artifacts-mcp completion bash)"

# Addresses that begin with $2, without their beginning $1, by the program itself. The rest of the arguments are its options.
_artifacts_mcp_addresses() {
  local before=$1 word=$2 scheme='' line
  shift 2
  case $word in s3://*|artifact://*) scheme=\${word%%://*}:// word=\${word#*://} ;; esac
  while IFS= read -r line; do
    [[ $word == */* ]] || line=$line/
    line=$scheme$line
    COMPREPLY+=("\${line#"$before"}")
  done < <("\${COMP_WORDS[0]}" ls --begins-with "$@" -- "$word" 2>/dev/null)
  [[ $word == */*@* ]] || return 0
  while IFS= read -r line; do
    [[ $line == "$word"* ]] || continue
    line=$scheme$line
    COMPREPLY+=("\${line#"$before"}")
  done < <("\${COMP_WORDS[0]}" versions "$@" -- "\${word%@*}" 2>/dev/null && echo "\${word%@*}@latest")
}

_artifacts_mcp() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} at
  local options words='' kinds='' root=()
  COMPREPLY=()
  # bash takes "=" for a word of its own.
  # It does so with ":" and "@" too, which addresses have. Of the word, what comes before $cur stays, but for an "@".
  [[ $cur == [:@] ]] && cur=''
  local typed=\${COMP_LINE:0:\${COMP_POINT:-0}} before=''
  typed=\${typed##*[[:space:]]}
  [[ $typed == *[:@]"$cur" ]] && before=\${typed%"$cur"}
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((at = 1; at < COMP_CWORD - 1; at++)); do
    if [[ \${COMP_WORDS[at]} == --root ]]; then
      root=(--root "\${COMP_WORDS[at+1]/#\\~\\//$HOME/}")
      [[ \${COMP_WORDS[at+1]} == = ]] && root=(--root "\${COMP_WORDS[at+2]/#\\~\\//$HOME/}")
    fi
  done
  case $command in
${named.map((command) => `    ${command.name}) ${settings(command)} ;;`).join("\n")}
    *) ${serve === undefined ? "" : settings(serve)}
       [[ $COMP_CWORD == 1 ]] && words='${named.map(({ name }) => name).join(" ")}' ;;
  esac
  case $prev in
${valueCases(commands, valueAction)}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  # The program and readline see the word without the quotes and backslashes that bash needs.
  cur=\${cur//[\\\\\\"\\']/}
  [[ $kinds == *address* ]] && _artifacts_mcp_addresses "\${before%@}" "$before$cur" \${root[@]+"\${root[@]}"}
  [[ $kinds == *file* || $kinds == *directory* ]] && compopt -o filenames 2>/dev/null
  local IFS=$'\\n'
  [[ $before != '' && $kinds == *address* ]] && kinds=address # no file, but the rest of an address
  [[ $kinds == *file* ]] && COMPREPLY+=($(compgen -f -- "$cur"))
  [[ $kinds == *directory* ]] && COMPREPLY+=($(compgen -d -- "$cur"))
  if [[ $kinds == *address* && $before != *@ ]]; then
    compopt -o filenames 2>/dev/null
    [[ \${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
  fi
  return 0
}

complete -F _artifacts_mcp artifacts-mcp
`;
}

function settings({ options, words }: CompletedCommand): string {
  const kinds = words.filter((word) => typeof word === "string");
  const few = words.flatMap((word) => (typeof word === "string" ? [] : word));
  const parts = [
    `options='${options.map(({ name }) => `--${name}`).join(" ")}'`,
    kinds.length === 0 ? "" : `kinds='${kinds.join(" ")}'`,
    few.length === 0 ? "" : `words='${few.join(" ")}'`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function valueAction({ value }: CompletedOption): string {
  if (typeof value === "object") return `COMPREPLY=($(compgen -W '${value.join(" ")}' -- "$cur")); `;
  if (value !== "directory") return "";
  return "local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$cur\")); ";
}
