import { expect, it } from "vitest";
import { gate } from "../../support/gate.js";
import { createMemoryEngines, storeOn } from "../../support/stores.js";

it("ready() shares one check among calls at the same time, and writes nothing", async () => {
  const engines = createMemoryEngines();
  const goOn = gate();
  let checks = 0;
  const check = async (): Promise<void> => {
    checks += 1;
    await goOn.passed;
  };
  const store = storeOn({ ...engines, content: { ...engines.content, check } });
  await store.check(); // the store gets its id
  const rows = new Map(engines.metadata.rows);
  const calls = [store.ready(), store.ready(), store.ready()];
  goOn.open();
  await Promise.all(calls);
  expect(checks).toBe(1);
  await store.ready();
  expect(checks).toBe(2);
  expect(engines.metadata.rows).toEqual(rows);
});
