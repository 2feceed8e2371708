import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { expect } from "vitest";
import { expectNothingLeaked, expectSound, type StoredState } from "../invariants.js";
import { openAs, type StoreProcess } from "./process.js";
import type { Scenario } from "./scenarios.js";

export interface Remains {
  readonly root: string;
  readonly id: string;
  /** Calls whose answer the dead process had. */
  readonly answered: number;
  /** A sweep comes before who makes the operation again. */
  readonly isSweptFirst: boolean;
}

/** Takes over where a process was killed. */
export async function expectGood(scenario: Scenario, { root, id, answered, isSweptFirst }: Remains): Promise<void> {
  const { faults = [] } = scenario;
  await during(openAs(root, scenario.options), async (living) => {
    const { store } = living;
    if (faults.length === 0) expectSound(await stateOf(living));
    expect((await faultsOf(living)).filter((fault) => !faults.some((kind) => fault.startsWith(kind)))).toEqual([]);
    if (isSweptFirst) await store.sweep.run({ graceMs: 0 });
    await scenario.check(store, id, answered, living);
    expect(await store.sweep.run({ graceMs: 0 })).toMatchObject({ failed: 0 });
    const state = await stateOf(living);
    expectSound(state);
    expectNothingLeaked(state);
    expect(await faultsOf(living)).toEqual([]);
    for (const name of await readdir(root)) expect(name).toMatch(known);
  });
}

/** What has its place in the root. */
const known = /^(blobs|format|metadata\.sqlite(-shm|-wal)?|orphans|reserve|signing-key|uploads)$/;

async function during<Result>(opening: Promise<StoreProcess>, work: (living: StoreProcess) => Promise<Result>) {
  const living = await opening;
  return work(living).finally(() => living.close());
}

async function faultsOf({ store }: StoreProcess): Promise<string[]> {
  return (await store.verify()).faults.map(({ kind, path, row, message }) => `${kind} ${path ?? row}: ${message}`);
}

async function stateOf({ root, engines }: StoreProcess): Promise<StoredState> {
  const rows = await engines.metadata.range("", { limit: 10_000 });
  const blobs = await filesBelow(join(root, "blobs"));
  const segments = await filesBelow(join(root, "uploads"));
  return {
    metadata: { rows: new Map(rows.map(({ key, text }) => [key, text])) },
    blobs: {
      blobs: new Map(blobs.map((file) => [basename(file.path), file])),
      segments: new Map(segments.map((file) => [`${basename(dirname(file.path))}/${basename(file.path)}`, file])),
    },
  };
}

async function filesBelow(folder: string): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })));
}
