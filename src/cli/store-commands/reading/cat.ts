import { ArtifactError } from "../../../store/model/errors.js";
import { ConfigError } from "../../options/config-error.js";
import type { Address } from "../address.js";
import { artifactAddress } from "../command-words.js";
import { problemText } from "../problem-text.js";
import type { StoreCommand, StoreCommandContext } from "../store-command.js";

export const cat: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check({ words }) {
    if (words.length === 0) throw new ConfigError("cat needs an address: BUCKET/KEY");
    for (const word of words) artifactAddress(word);
  },
  async run(context) {
    const { config, store, terminal } = context;
    let code = 0;
    for (const word of config.words) {
      try {
        await write(context, artifactAddress(word));
      } catch (error) {
        if (!(error instanceof ArtifactError)) throw error;
        terminal.problem(await problemText(store.artifacts, error, [word]));
        code = 1; // the others are written, as `cat` does
      }
    }
    return code;
  },
};

/** Writes a content as it is read. If it is damaged, its last block is not written. */
async function write({ store, terminal, signal }: StoreCommandContext, address: Address): Promise<void> {
  const { bucket, key, version } = address;
  const open = await store.artifacts.open(bucket, key, version);
  try {
    for await (const block of open.whole()) {
      signal.throwIfAborted();
      await terminal.print(block);
    }
  } finally {
    await open.close();
  }
}
