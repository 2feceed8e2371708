import type { LogLevel } from "../../store/ports/log.js";
import type { StoreCommandName } from "./command-names.js";
import { type OptionName, options } from "./option-table.js";
import { type GivenOptions, type OptionValues, optionValues } from "./option-values.js";
import { type StoreConfig, storeConfig } from "./store-config.js";

/** What a command on artifacts needs to know, frozen. */
export interface StoreCommandConfig extends StoreConfig {
  readonly command: StoreCommandName;
  /** The arguments that are no option and no option's value. */
  readonly words: readonly string[];
  readonly options: CommandOptions;
  readonly logLevel: LogLevel;
}

export interface CommandOptions extends OptionValues {
  /** Whether an option that takes no value is given. */
  has(name: OptionName): boolean;
}

/** @throws ConfigError */
export function storeCommandConfig(
  command: StoreCommandName,
  given: GivenOptions,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): StoreCommandConfig {
  const values = optionValues(given, environment);
  const levels = values.all("log-level");
  return Object.freeze({
    ...storeConfig(values, environment),
    bucketPrefix: options["bucket-prefix"].commands.includes(command) ? values.one("bucket-prefix") : "",
    command,
    words,
    options: { ...values, has: (name: OptionName) => given.has(name) },
    // The events of its own work would only stand between the lines that the person reads.
    logLevel: levels.at(-1) ?? "warn",
  });
}
