import type { CompletedCommand, CompletedOption } from "./completed-command.js";

/**
 * The cases of a `case` in bash or zsh: what to do after an option that takes a value. An option means the same for every
 * command.
 *
 * @param actionOf the code that completes the value, with a separator at its end; empty if it is not completed
 */
export function valueCases(
  commands: readonly CompletedCommand[],
  actionOf: (option: CompletedOption) => string,
): string {
  const all = new Map(commands.flatMap(({ options }) => options.map((option) => [option.name, option] as const)));
  return [...all.values()]
    .filter(({ value }) => value !== undefined)
    .map((option) => `    --${option.name}) ${actionOf(option)}return ;;`)
    .join("\n");
}
