import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { PieceLimits } from "../../src/store/model/limits.js";
import type { UploadSession } from "../../src/store/model/upload-session.js";
import type { Store } from "../../src/store/store.js";
import { expectNothingLeaked, expectSound } from "../support/invariants.js";
import {
  createMemoryEngines,
  type MemoryEngines,
  noRowPieces,
  storeOn,
  textOf,
  tinyPieces,
} from "../support/stores.js";

/** A simple model of one upload: its bytes and its status. */
interface Model {
  bytes: string;
  readonly size: number | null;
  status: "open" | "complete" | "aborted";
}

interface Real {
  readonly engines: MemoryEngines;
  readonly options: { readonly pieceLimits?: PieceLimits };
  readonly id: string;
  /** Processes that share the engines. Each command names the process that it goes to. */
  readonly stores: Store[];
}

type Outcome = Partial<UploadSession> | { readonly code: string; readonly offset?: number };
const processes = 3;

/** The rules of an append, written a second time, without files and rows. Changes the model. */
function expectAppend(model: Model, offset: number, text: string): Outcome {
  const at = model.bytes.length;
  const end = offset + text.length;
  if (model.status === "aborted") return { code: "session_closed" };
  if (offset > at) return { code: "offset_conflict", offset: at };
  if (model.size !== null && end > model.size) return { code: "size_exceeded" };
  if (model.status === "complete" && end > at) return { code: "session_closed" };
  const overlap = Math.min(text.length, at - offset);
  if (model.bytes.slice(offset, offset + overlap) !== text.slice(0, overlap))
    return { code: "offset_conflict", offset: at };
  model.bytes += text.slice(overlap);
  if (model.bytes.length === model.size) model.status = "complete";
  return { offset: model.bytes.length, status: model.status };
}

async function outcomeOf(call: Promise<UploadSession>): Promise<Outcome> {
  return call.then(
    ({ offset, status }) => ({ offset, status }),
    ({ code, details }) => (code === "offset_conflict" ? { code, offset: details.offset } : { code }),
  );
}

type Command = fc.AsyncCommand<Model, Real>;
type Call = (store: Store, id: string) => Promise<UploadSession>;

/** A call by one process, compared with the answer of the model. */
function call(name: string, process: number, make: (model: Model) => { call: Call; expected: Outcome }): Command {
  return {
    check: () => true,
    async run(model, { stores, id }) {
      const { call, expected } = make(model);
      const store = stores[process];
      expect(store && (await outcomeOf(call(store, id)))).toEqual(expected);
    },
    toString: () => `process ${process}: ${name}`,
  };
}

const append = (process: number, shift: number, text: string): Command =>
  call(`append(offset + ${shift}, "${text}")`, process, (model) => {
    const offset = Math.max(0, model.bytes.length + shift);
    const expected = expectAppend(model, offset, text);
    return { call: ({ uploads }, id) => uploads.append(id, offset, Buffer.from(text)), expected };
  });

const replay = (process: number, from: number, more: string): Command =>
  call(`replay(from ${from}, and "${more}")`, process, (model) => {
    const offset = from % (model.bytes.length + 1);
    const text = model.bytes.slice(offset) + more;
    const expected = expectAppend(model, offset, text);
    return { call: ({ uploads }, id) => uploads.append(id, offset, Buffer.from(text)), expected };
  });

const complete = (process: number): Command =>
  call("complete()", process, (model) => {
    const isShort = model.size !== null && model.bytes.length < model.size;
    if (model.status !== "aborted" && !isShort) model.status = "complete";
    const failure = { code: model.status === "aborted" ? "session_closed" : "incomplete" };
    const success = { offset: model.bytes.length, status: "complete" } as const;
    return {
      call: ({ uploads }, id) => uploads.complete(id),
      expected: model.status === "complete" ? success : failure,
    };
  });

const abort = (process: number): Command =>
  call("abort()", process, (model) => {
    if (model.status === "open") model.status = "aborted";
    const success = { offset: 0, status: "aborted" } as const;
    const expected = model.status === "complete" ? { code: "session_closed" } : success;
    return { call: ({ uploads }, id) => uploads.abort(id), expected };
  });

const restart = (process: number): Command => ({
  check: () => true,
  async run(model, { stores, engines, options, id }) {
    const store = storeOn(engines, options);
    stores[process] = store;
    const offset = model.status === "aborted" ? 0 : model.bytes.length;
    expect(await store.uploads.get(id)).toMatchObject({ offset, status: model.status });
    expectSound(engines);
  },
  toString: () => `process ${process}: restart`,
});

const process = fc.integer({ min: 0, max: processes - 1 });
const text = fc.string({ minLength: 0, maxLength: 6, unit: fc.constantFrom("a", "b") });
const shift = fc.oneof(fc.constant(0), fc.integer({ min: -6, max: 3 }));
const commands = [
  fc.tuple(process, shift, text).map(([p, by, t]) => append(p, by, t)),
  fc.tuple(process, fc.nat(), text).map(([p, from, t]) => replay(p, from, t)),
  process.map(complete),
  process.map(abort),
  process.map(restart),
];

it.each([
  ["in rows", {}],
  ["in the content store", { pieceLimits: noRowPieces }],
  ["moved from rows to the content store, and folded", { pieceLimits: tinyPieces }],
])("an upload by several processes, with bytes %s, equals its model after every call", async (_where, options) => {
  const size = fc.option(fc.integer({ min: 1, max: 30 }), { nil: null });
  await fc.assert(
    fc.asyncProperty(size, fc.commands(commands, { maxCommands: 40, size: "max" }), async (size, run) => {
      const engines = createMemoryEngines();
      const stores = Array.from({ length: processes }, () => storeOn(engines, options));
      const [first] = stores;
      const created = await first?.uploads.create({ bucket: "b", key: "k", ...(size === null ? {} : { size }) });
      const model: Model = { bytes: "", size, status: "open" };
      await fc.asyncModelRun(() => ({ model, real: { engines, options, stores, id: created?.id ?? "" } }), run);
      expectSound(engines);
      expectNothingLeaked(engines);
      if (model.status === "complete" && first) expect(await textOf(first, "b", "k")).toBe(model.bytes);
    }),
    { numRuns: 400 },
  );
});
