import { ConfigError } from "../../options/config-error.js";
import { jsonLine } from "../../terminal/json-text.js";
import { artifactAddress } from "../command-words.js";
import type { StoreCommand } from "../store-command.js";
import { describedText } from "./described-text.js";

export const describe: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check({ words: [word, another] }) {
    if (word === undefined) throw new ConfigError("describe needs an address: BUCKET/KEY");
    if (another !== undefined)
      throw new ConfigError(`describe takes one address: ${JSON.stringify(another)} is one more`);
    artifactAddress(word);
  },
  async run({ config, store, terminal, signal }) {
    const { artifact, description } = await store.insight.describe(artifactAddress(config.words[0] ?? ""), signal);
    const { bucket, key, version, bytes } = artifact;
    const text = config.options.has("json")
      ? jsonLine({ bucket, key, version, bytes, ...description })
      : describedText(artifact, description);
    await terminal.print(text);
    return 0;
  },
};
