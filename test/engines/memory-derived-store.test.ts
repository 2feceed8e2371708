import { derivedStoreContract } from "../contracts/derived-store-contract.js";
import { createMemoryDerivedStore } from "../support/memory-derived-store.js";

derivedStoreContract("memory", async () => {
  const store = createMemoryDerivedStore();
  return {
    store,
    async age(sha256, name, ms) {
      const entry = store.entries.get(sha256)?.get(name);
      if (entry !== undefined) entry.usedAt -= ms;
    },
  };
});
