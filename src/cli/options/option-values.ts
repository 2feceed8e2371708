import type { z } from "zod";
import { ConfigError } from "./config-error.js";
import { type OptionName, options, type optionTable, variableOf } from "./option-table.js";

/** The options of a command line by name, each with its values as they were written, in order. */
export type GivenOptions = ReadonlyMap<string, readonly string[]>;

type Table = typeof optionTable;
/** The options that take a parsed value. */
export type ValueName = { [Name in OptionName]: Table[Name] extends { parser: unknown } ? Name : never }[OptionName];
type Value<Name extends ValueName> = z.output<Table[Name]["parser"]>;
type Default<Name extends ValueName> = Table[Name] extends { default: unknown } ? Value<Name> : undefined;

/** The parsed values. Each method throws ConfigError for a wrong value. */
export interface OptionValues {
  /** All values that were given, in order. */
  all<Name extends ValueName>(name: Name): Value<Name>[];
  /** The last value that was given, or else the default of the table. */
  one<Name extends ValueName>(name: Name): Value<Name> | Default<Name>;
}

/** Takes each option from the command line. If it is not there, takes it from the environment. */
export function optionValues(given: GivenOptions, environment: NodeJS.ProcessEnv): OptionValues {
  function all<Name extends ValueName>(name: Name): Value<Name>[] {
    const fromCommandLine = given.get(name);
    if (fromCommandLine !== undefined) return fromCommandLine.map((text) => parsedValue(name, `--${name}`, text));
    const variable = variableOf(name);
    if (variable === undefined) return [];
    const { separator } = options[name];
    const text = environment[variable] ?? "";
    const texts = separator === undefined ? [text] : text.split(separator);
    return texts.filter((part) => !isUnfilled(part)).map((part) => parsedValue(name, variable, part));
  }
  return {
    all,
    one: <Name extends ValueName>(name: Name) => all(name).at(-1) ?? (options[name].default as Default<Name>),
  };
}

/** Whether a text stands for no value: a host that installs bundles leaves it empty, or leaves the name of its setting. */
export const isUnfilled = (text: string): boolean => /^(?:\$\{user_config\.\w+\})?$/.test(text);

/** @throws ConfigError */
function parsedValue<Name extends ValueName>(name: Name, source: string, text: string): Value<Name> {
  const parsed = options[name].parser?.safeParse(text);
  if (parsed?.success) return parsed.data as Value<Name>;
  const but = name === "http-token" ? "" : `, not ${JSON.stringify(text)}`; // a secret must not appear in a message
  throw new ConfigError(`${source} must be ${parsed?.error.issues[0]?.message}${but}`);
}
