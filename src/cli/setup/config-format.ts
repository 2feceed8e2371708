/** One server in a host's configuration, by the host's own field names. */
export type Entry = Readonly<Record<string, unknown>>;

/**
 * How a host's configuration is written. All that the file says besides the named entry stays. So do comments, but for
 * those inside the entry and, in JSON, those on its line and the one before; the entry next to it may be indented anew.
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

/** What of a text is to differ. */
export interface Change {
  readonly before: string;
  readonly section: string;
  readonly name: string;
  /** The entry behind the change; undefined for none. */
  readonly entry: Entry | undefined;
}

/**
 * Compares what a changed text says with what it should say.
 *
 * @returns the text
 * @throws ConfigFormatError if the text does not parse, or says anything else: it is not to be written then
 */
export function checked(text: string, change: Change, parse: (text: string) => Entry): string {
  const { before, section, name, entry } = change;
  const root = parse(before);
  const { [name]: _, ...others } = (root[section] ?? {}) as Entry;
  const wanted = { ...root, [section]: { ...others, ...(entry && { [name]: entry }) } };
  try {
    const found = parse(text);
    if (canonical({ ...found, [section]: found[section] ?? {} }) === canonical(wanted)) return text;
  } catch {
    // It is refused below.
  }
  throw new ConfigFormatError(
    "is written in a way that setup cannot change safely: change it by hand; setup without --write says what to put there",
  );
}

/** A value as text, the same whatever the order of its keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof Date) return `date ${value.toISOString()}`;
  if (typeof value !== "object" || value === null) return `${typeof value} ${JSON.stringify(String(value))}`;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join()}}`;
}
