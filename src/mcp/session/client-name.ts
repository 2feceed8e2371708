import type { Implementation } from "@modelcontextprotocol/sdk/types.js";

/** A longer name and version are cut, in UTF-16 code units. */
const maxChars = 200;

/** NUL, which a row cannot hold, and lone surrogates, which nobody can read. */
const unusable = /[\0\p{Cs}]/gu;

/** The name and version that a client told, for `saved_by`. Returns undefined if it told none. */
export function clientName(client: Pick<Implementation, "name" | "version"> | undefined): string | undefined {
  if (client === undefined) return undefined;
  const name = `${client.name} ${client.version}`.replace(unusable, "").trim();
  const cut = name.slice(0, maxChars).replace(unusable, ""); // the cut may leave half of a surrogate pair at the end
  return cut === "" ? undefined : cut;
}
