import { expect, it } from "vitest";
import { gate } from "../../support/gate.js";
import { createMemoryEngines, storeOn } from "../../support/stores.js";

it("those who ask at the same time whether the store is ready share one look, and nothing is written for it", async () => {
  const engines = createMemoryEngines();
  const goOn = gate();
  let looks = 0;
  const check = async (): Promise<void> => {
    looks += 1;
    await goOn.passed;
  };
  const store = storeOn({ ...engines, content: { ...engines.content, check } });
  await store.check(); // the store gets its id
  const rows = new Map(engines.metadata.rows);
  const asked = [store.ready(), store.ready(), store.ready()];
  goOn.open();
  await Promise.all(asked);
  expect(looks).toBe(1);
  await store.ready();
  expect(looks).toBe(2);
  expect(engines.metadata.rows).toEqual(rows);
});
