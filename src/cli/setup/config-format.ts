/** One server in a host's configuration, by the host's own field names. */
export type Entry = Readonly<Record<string, unknown>>;

/**
 * How a host's configuration is written. Everything but the named entry stays, comments included; the entry next to it
 * may be indented anew.
 */
export interface ConfigFormat {
  /** The entries by name. @throws ConfigFormatError */
  entries(text: string, section: string): Readonly<Record<string, Entry>>;
  /** The text with these fields in the entry, whose other fields stay. @throws ConfigFormatError */
  write(text: string, section: string, name: string, entry: Entry): string;
  /** The text without the entry. @throws ConfigFormatError */
  remove(text: string, section: string, name: string): string;
}

/** The file is not what its host writes: the message says where and why, and follows the name of the file. */
export class ConfigFormatError extends Error {
  override readonly name = "ConfigFormatError";
}
