import type { z } from "zod";
import type { CommandName } from "./command-names.js";

export interface Option {
  /** The commands that take it. */
  readonly commands: readonly CommandName[];
  /** The heading in docs/options.md under which it stands. */
  readonly group: string;
  /** One letter by which it can be given too, like `r` for `-r`. */
  readonly short?: string;
  /** How help names the value. A flag has none. */
  readonly value?: string;
  /** All values that it can have, where there are a few: shells complete them. */
  readonly values?: readonly string[];
  /** What it does, for `--help`: one line without a full stop at its end. */
  readonly help: string;
  /** What an operator should know besides: whole sentences, for docs/options.md only. */
  readonly details?: string;
  /** Unit of the value, if the value is a number. */
  readonly unit?: string;
  /** Reads the value. An option without a parser is on if it is given, takes no value and has no environment variable. */
  readonly parser?: z.ZodType<unknown, string>;
  /** The parsed value that applies if nobody gives one. Left out, it is undefined. */
  readonly default?: unknown;
  /** How help and docs show the default. An option that is on or off, and is off by default, needs none. */
  readonly defaultText?: string;
  /** The option may be given several times. In its environment variable this separates the values. */
  readonly separator?: string;
  readonly example?: string;
  /** It is read on the command line alone. */
  readonly hasNoVariable?: true;
  /** Why `setup` refuses to put it into a host's configuration. */
  readonly refusedBySetup?: string;
}
