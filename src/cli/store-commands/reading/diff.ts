import { comparedVersions } from "../../../api/compared-versions.js";
import { changesOf, comparisonText } from "../../../api/descriptions/comparison-text.js";
import type { Artifact } from "../../../store/model/artifact.js";
import { count } from "../../../store/model/count.js";
import type { Comparison } from "../../../store/ports/description.js";
import { ConfigError } from "../../options/config-error.js";
import { jsonLine } from "../../terminal/json-text.js";
import { printable } from "../../terminal/printable.js";
import { artifactAddress } from "../command-words.js";
import type { StoreCommand } from "../store-command.js";

/** Characters of a diff, or of the lines about changed rows. */
const maxChars = 2_000_000;

export const diff: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check({ words }) {
    if (words.length === 0) throw new ConfigError("diff needs an address, or two: BUCKET/KEY@VERSION");
    if (words.length > 2) throw new ConfigError(`diff takes two addresses: ${JSON.stringify(words[2])} is one more`);
    for (const word of words) artifactAddress(word);
  },
  async run({ config, store, terminal, signal }) {
    const [first = "", second = ""] = config.words;
    const from = artifactAddress(first);
    const to = second === "" ? undefined : artifactAddress(second);
    const asked = { ...from, to_bucket: to?.bucket, to_key: to?.key, to_version: to?.version };
    const versions = await comparedVersions(store.artifacts, asked);
    const wanted = { by: config.options.one("by"), chars: maxChars };
    const found = await store.insight.compare(versions.before, versions.after, wanted, signal);
    const { before, after, comparison } = found;
    if (config.options.has("json")) {
      const document = { before: placeOf(before), after: placeOf(after), ...comparison };
      await terminal.print(jsonLine(document));
      return 0;
    }
    const text = withLineEnd(`${comparisonText(comparison, before, after)}\n${changesOf(comparison)}`);
    await terminal.print(terminal.isTerminal ? printable(text) : text);
    for (const hint of hintsOn(comparison)) terminal.problem(hint);
    return 0;
  },
};

function placeOf({ bucket, key, version, bytes }: Artifact) {
  return { bucket, key, version, bytes };
}

const withLineEnd = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);

/** What is not shown, and how to see it. */
function hintsOn({ same, text, table }: Comparison): string[] {
  const { by, likely_key: column } = table ?? {};
  if (same !== undefined) return [];
  return [
    ...(text?.cut || by?.cut ? [`the changes are cut after ${count(maxChars, "character")}, or sooner.`] : []),
    ...(column === undefined ? [] : [`--by ${JSON.stringify(column)} shows the rows that changed.`]),
  ];
}
