/** One server in a host's configuration, with the host's own names of fields. */
export type Entry = Readonly<Record<string, unknown>>;

/**
 * Reads and edits the text of a host's configuration. An edit changes only the named entry. It keeps all other values.
 * It keeps comments, except those inside the entry and, in JSON, those on its line and on the line before. The
 * neighbouring entry may get another indentation.
 */
export interface ConfigFormat {
  /** Returns the entries by name. @throws ConfigFormatError */
  entries(text: string, section: string): Readonly<Record<string, Entry>>;
  /** Returns the text with these fields set in the entry; its other fields stay. @throws ConfigFormatError */
  write(text: string, section: string, name: string, entry: Entry): string;
  /** Returns the text without the entry. @throws ConfigFormatError */
  remove(text: string, section: string, name: string): string;
}

/** The file is not written as its host writes it. The message says where and why; it goes after the name of the file. */
export class ConfigFormatError extends Error {
  override readonly name = "ConfigFormatError";
}

/** How a text should differ from the one before. */
export interface Change {
  readonly before: string;
  readonly section: string;
  readonly name: string;
  /** The entry after the change; undefined if it was removed. */
  readonly entry: Entry | undefined;
}

/**
 * Checks that a changed text has the values that it should have, and no other changes.
 *
 * @returns the text
 * @throws ConfigFormatError if the text does not parse, or has other values; it must not be written then
 */
export function checkedText(text: string, change: Change, parse: (text: string) => Entry): string {
  const { before, section, name, entry } = change;
  const root = parse(before);
  const { [name]: _, ...others } = (root[section] ?? {}) as Entry;
  const wanted = { ...root, [section]: { ...others, ...(entry && { [name]: entry }) } };
  try {
    const found = parse(text);
    if (canonical({ ...found, [section]: found[section] ?? {} }) === canonical(wanted)) return text;
  } catch {
    // The text is refused below.
  }
  throw new ConfigFormatError(
    "is written in a way that setup cannot change safely: change it by hand; setup without --write says what to put there",
  );
}

/** Returns a value as text. The order of keys makes no difference. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof Date) return `date ${value.toISOString()}`;
  if (typeof value !== "object" || value === null) return `${typeof value} ${JSON.stringify(String(value))}`;
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join()}}`;
}
