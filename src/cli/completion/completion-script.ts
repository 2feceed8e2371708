import type { Shell } from "../options/command-names.js";
import { bashScript } from "./bash-script.js";
import { type CompletedCommand, completedCommands } from "./completed-command.js";
import { fishScript } from "./fish-script.js";
import { zshScript } from "./zsh-script.js";

const scripts: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The script that a shell reads to complete the words of this program. It is made from the tables of commands and options. */
export function completionScript(shell: Shell): string {
  return scripts[shell](completedCommands());
}
