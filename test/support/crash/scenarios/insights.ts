import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../../../../src/store/store.js";
import {
  assertGone,
  assertVersions,
  type Call,
  remove,
  removeAgain,
  type Scenario,
  saved,
  sweep,
} from "../scenario.js";

const at = { bucket: "b", key: "k" };
const lines = 80_000;
/** So large that an index of its lines is kept. */
const text = Array.from({ length: lines }, (_, line) => `a line of text: ${line + 1}\n`).join("");

const readByLine: Call = ({ store }) => store.insight.lines(at, { line: 70_000, lines: 1, chars: 100 });
const describe: Call = ({ store }) => store.insight.describe(at);

async function assertLookedInto({ insight }: Store): Promise<void> {
  const page = await insight.lines(at, { line: 70_000, lines: 1, chars: 100 });
  assert.deepEqual({ text: page.text.trimEnd(), total: page.total }, { text: "a line of text: 70000", total: lines });
  assert.equal((await insight.describe(at)).description.text?.lines, lines);
}

async function savedAndLookedInto({ store }: { readonly store: Store }): Promise<string> {
  await saved(store, text);
  await assertLookedInto(store);
  return "";
}

/** Files below the folder of derived facts. */
async function derivedFiles(root: string): Promise<string[]> {
  const entries = await readdir(join(root, "derived"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

export const insights: readonly Scenario[] = [
  {
    name: "reading a text by line for the first time, and describing it",
    async prepare({ store }) {
      await saved(store, text);
      return "";
    },
    act: [readByLine, describe],
    async check(store) {
      await assertLookedInto(store);
      await assertVersions(store, { 1: text });
    },
  },
  {
    name: "reading what was kept of a text, and deleting the text",
    prepare: savedAndLookedInto,
    act: [readByLine, remove()],
    async check(store, id, answered, living) {
      if (answered === 2) await assertGone(store);
      await removeAgain(store);
      await assertGone(store);
      await sweep(living, id, { failNextCall: () => undefined, failNextCommit: () => undefined });
      assert.deepEqual(await derivedFiles(living.root), []);
    },
  },
  {
    name: "describing a text that another process deletes meanwhile",
    async prepare({ store }) {
      await saved(store, text);
      return "";
    },
    act: [
      (dying) => {
        const put: typeof dying.derived.put = async (...values) => {
          await removeAgain(dying.another());
          await dying.derived.put(...values);
        };
        return dying.another(dying.engines, { ...dying.derived, put }).insight.describe(at);
      },
    ],
    async check(store, _, answered, living) {
      if (answered === 1) assert.deepEqual(await derivedFiles(living.root), []);
      await removeAgain(store);
      await assertGone(store);
    },
  },
];
