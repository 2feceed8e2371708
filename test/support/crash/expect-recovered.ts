import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { expectNothingLeaked, expectSound, type StoredState } from "../invariants.js";
import { openAs, type StoreProcess } from "./process.js";
import type { Scenario } from "./scenario.js";

export interface Remains {
  readonly root: string;
  readonly id: string;
  /** The number of calls that the dead process had an answer to. */
  readonly answered: number;
  /** Whether a sweep runs before the operation is done again. */
  readonly isSweptFirst: boolean;
}

/** Opens the store that a killed process has left, and expects that nothing is wrong or left behind. */
export async function expectRecovered(
  scenario: Scenario,
  { root, id, answered, isSweptFirst }: Remains,
): Promise<void> {
  const { faults = [] } = scenario;
  const sweep = { graceMs: 0, trustsClock: true };
  await during(openAs(root, scenario.options), async (living) => {
    const { store } = living;
    if (faults.length === 0) expectSound(await stateOf(living));
    expect((await faultsOf(living)).filter((fault) => !faults.some((kind) => fault.startsWith(kind)))).toEqual([]);
    if (isSweptFirst) await store.sweep.run(sweep);
    await scenario.check(store, id, answered, living);
    expect(await store.sweep.run(sweep)).toMatchObject({ failed: 0 });
    const state = await stateOf(living);
    expectSound(state);
    expectNothingLeaked(state);
    expect([...state.metadata.rows.keys()].filter((key) => key.startsWith("freed\t"))).toEqual([]);
    expect(await faultsOf(living)).toEqual([]);
    for (const name of await readdir(root)) expect(name).toMatch(known);
  });
}

/** The files and folders that may be in the root. */
const known = /^(content|derived|format(-[0-9a-f]{16})?|metadata\.sqlite(-shm|-wal)?|orphans|reserve|signing-key)$/;

async function during<Result>(opening: Promise<StoreProcess>, work: (living: StoreProcess) => Promise<Result>) {
  const living = await opening;
  return work(living).finally(() => living.close());
}

async function faultsOf({ store }: StoreProcess): Promise<string[]> {
  return (await store.verify()).faults.map(({ kind, path, row, message }) => `${kind} ${path ?? row}: ${message}`);
}

async function stateOf({ root, engines: { metadata } }: StoreProcess): Promise<StoredState> {
  const rows = await metadata.range("", { limit: 10_000 });
  const names = (await metadata.listPieces({ limit: 10_000 })).map(({ name }) => name);
  const inRows = await metadata.pieces(names);
  return {
    metadata: {
      rows: new Map(rows.map(({ key, text }) => [key, text])),
      pieceMap: new Map(names.map((name, n) => [name, inRows[n] ?? new Uint8Array()])),
    },
    content: { files: new Map(await filesBelow(join(root, "content"))) },
  };
}

/** All files below the folder, by `<session>/<name>`. */
async function filesBelow(folder: string): Promise<[string, { bytes: Buffer }][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(
    files.map(async ({ name, parentPath }) => [
      name.replace(".", "/"),
      { bytes: await readFile(join(parentPath, name)) },
    ]),
  );
}
