import { expect, it } from "vitest";
import { createMemoryEngines, saveText, storeOn } from "../../support/stores.js";

it("verify reports each difference of the index, and repairs it by making the index again", async () => {
  const { metadata, content } = createMemoryEngines();
  let lines = ["The index differs from the row artifact b k.", "The sums of the bucket b are wrong."];
  let left: string[] = [];
  const differing = {
    ...metadata,
    checkIndex: async () => lines,
    async rebuildIndex() {
      lines = left;
    },
  };
  const store = storeOn({ metadata: differing, content });
  await saveText(store, "b", "k", "x");
  const fault = { kind: "index", path: "metadata.sqlite", next: "repair" };
  const faults = lines.map((message) => ({ ...fault, message, repaired: false }));
  expect((await store.verify()).faults).toEqual(faults);

  left = lines.slice(1);
  const half = await store.verify({ repair: true });
  expect(half.faults.map(({ repaired }) => repaired)).toEqual([true, false]);
  left = [];
  expect((await store.verify({ repair: true })).faults).toMatchObject([{ kind: "index", repaired: true }]);
  expect((await store.verify()).faults).toEqual([]);
});
