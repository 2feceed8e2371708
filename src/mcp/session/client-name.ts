import type { Implementation } from "@modelcontextprotocol/sdk/types.js";

/** The longest that is kept of a client's name and version, in UTF-16 code units. */
const maxChars = 200;

/** What text in rows cannot have, or nobody can read. */
const unusable = /[\0\p{Cs}]/gu;

/** A client's name and version, as it told them, for `saved_by`; undefined if it told none. */
export function clientName(client: Pick<Implementation, "name" | "version"> | undefined): string | undefined {
  if (client === undefined) return undefined;
  const name = `${client.name} ${client.version}`.replace(unusable, "").trim();
  const cut = name.slice(0, maxChars).replace(unusable, ""); // half of a pair may stand at the end
  return cut === "" ? undefined : cut;
}
