import { largestPageLimit } from "../../../store/model/limits.js";
import { readAddress } from "../address.js";
import type { StoreCommand } from "../store-command.js";

export const ls: StoreCommand = {
  isWriting: false,
  check({ words }) {
    if (words[0] !== undefined) readAddress(words[0]);
  },
  async run({ config, store, terminal }) {
    const [word] = config.words;
    if (word === undefined) {
      const { data } = await store.artifacts.listBuckets({ limit: largestPageLimit });
      await terminal.print(data.map(({ name }) => `${name}\n`).join(""));
      return 0;
    }
    const { bucket, key } = readAddress(word);
    const { data } = await store.artifacts.list({ bucket, prefix: key, limit: largestPageLimit });
    await terminal.print(data.map((artifact) => `${artifact.key}\n`).join(""));
    return 0;
  },
};
