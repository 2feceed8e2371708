import { expect, it } from "vitest";
import { CallQueue } from "../../../src/mcp/flow/call-queue.js";
import { work } from "../../../src/mcp/flow/call-work.js";
import { gate } from "../../support/gate.js";
import { settled } from "../../support/stdio-streams.js";

const save = (id: number, key: string) => {
  const params = { name: "save_artifact", arguments: { bucket: "b", key } };
  return { jsonrpc: "2.0" as const, id, method: "tools/call", params };
};

function queueOf(maxConcurrentCalls: number) {
  let freed = 0;
  const queue = new CallQueue({ maxConcurrentCalls, maxWaitingCalls: 1_000 }, () => {
    freed += 1;
  });
  return { queue, freed: () => freed };
}

it("a call on another key overtakes one that waits for its key, within the limit of running calls", () => {
  const { queue } = queueOf(2);
  for (const [id, key] of ["k", "k", "k2", "k3"].entries()) queue.add(save(id, key), 10);
  expect([queue.next()?.id, queue.next()?.id, queue.next()?.id]).toEqual([0, 2, undefined]);
  expect([queue.running, queue.waitingBytes]).toEqual([2, 20]);
  queue.settle(2);
  expect([queue.next()?.id, queue.next()?.id]).toEqual([3, undefined]);
  queue.settle(0);
  expect([queue.next()?.id, queue.waitingBytes]).toEqual([1, 0]);
});

it("a waiting call is not overtaken by later calls that use the same things", () => {
  const { queue } = queueOf(3);
  queue.add(save(0, "k"), 0);
  queue.add({ ...save(1, "k"), params: { name: "list_artifacts", arguments: { bucket: "b" } } }, 0);
  queue.add(save(2, "k2"), 0);
  expect([queue.next()?.id, queue.next()]).toEqual([0, undefined]);
  queue.settle(0);
  expect([queue.next()?.id, queue.next()]).toEqual([1, undefined]);
  queue.settle(1);
  expect(queue.next()?.id).toBe(2);
});

it("a settled call frees its place at once, and its key when its work ends, and reports that", async () => {
  const { queue, freed } = queueOf(1);
  const { passed, open } = gate();
  const first = save(0, "k");
  queue.add(first, 0);
  queue.add(save(1, "k"), 0);
  queue.add(save(2, "k2"), 0);
  queue.next();
  const working = work(first, () => passed.then(() => ({})));
  queue.settle(0);
  expect([queue.next()?.id, freed()]).toEqual([2, 0]);
  queue.settle(2);
  expect(queue.next()).toBeUndefined();
  open();
  await working;
  await settled();
  expect([freed(), queue.next()?.id]).toEqual([1, 1]);
});

it("failed work ends too, and work that ends after clear() reports nothing", async () => {
  const { queue, freed } = queueOf(1);
  for (const isCleared of [false, true]) {
    const { passed, open } = gate();
    const request = save(0, "k");
    queue.add(request, 0);
    queue.next();
    const working = work(request, () => passed.then(() => Promise.reject(new Error("no"))));
    queue.settle(0);
    if (isCleared) queue.clear();
    open();
    await expect(working).rejects.toThrow("no");
    await settled();
    expect(freed()).toBe(1);
  }
});
