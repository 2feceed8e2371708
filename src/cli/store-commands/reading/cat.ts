import { nearestError } from "../../../api/hints/nearest-error.js";
import { ArtifactError } from "../../../store/model/errors.js";
import type { Store } from "../../../store/store.js";
import { ConfigError } from "../../options/config-error.js";
import type { Terminal } from "../../terminal/terminal.js";
import type { Address } from "../address.js";
import { artifactAddress } from "../command-words.js";
import { messageForCommand } from "../message-for-command.js";
import type { StoreCommand } from "../store-command.js";

export const cat: StoreCommand = {
  isWriting: false,
  isPrinter: true,
  check({ words }) {
    if (words.length === 0) throw new ConfigError("cat needs an address: BUCKET/KEY");
    for (const word of words) artifactAddress(word);
  },
  async run({ config, store, terminal }) {
    let code = 0;
    for (const word of config.words) {
      try {
        await write(store, artifactAddress(word), terminal);
      } catch (error) {
        if (!(error instanceof ArtifactError)) throw error;
        terminal.problem(messageForCommand(await nearestError(store.artifacts, error)));
        code = 1; // the others are written, as `cat` does
      }
    }
    return code;
  },
};

/** Writes a content as it is read. If it is damaged, its last block is not written. */
async function write({ artifacts }: Store, { bucket, key, version }: Address, terminal: Terminal): Promise<void> {
  const open = await artifacts.open(bucket, key, version);
  try {
    for await (const block of open.whole()) await terminal.print(block);
  } finally {
    await open.close();
  }
}
