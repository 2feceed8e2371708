import assert from "node:assert/strict";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ArtifactError } from "../../src/store/model/errors.js";
import { defaultPieceLimits, type PieceLimits } from "../../src/store/model/limits.js";
import type { RowChange } from "../../src/store/ports/metadata-store.js";
import { Dead, type Step } from "../support/faults.js";
import { contentOfPieces, expectNothingLeaked, expectNothingLeft, expectSound } from "../support/invariants.js";
import { digestOf, expectAnswerable, inTimeMs, operationOf, operations, unheardError } from "../support/operations.js";
import { type Change, dayMs, keepVersions, Scene, sceneMs, sessionTtlMs } from "../support/scene.js";
import { explore, follow, type Outcome, type World } from "../support/schedules.js";
import { bytesOf, noRowPieces, saveText, tinyPieces } from "../support/stores.js";

/*
 * Every order of the steps of any two operations on one key and one session, with a death of either or both at any
 * step; then whoever comes next finishes what is left. ARTIFACTS_LONG=1 takes every position, and three at a time.
 */

const isLong = process.env["ARTIFACTS_LONG"] === "1";

/** The texts of the versions of the key. */
const artifacts = {
  none: [],
  one: ["before"],
  "an identical one": ["abc"],
  two: ["first", "second"],
} as const;

/** A session of this life has not expired when what nobody owns is not left alone any more. */
const longMs = 7 * dayMs;

/** The session, of which the first bytes are "abc". */
const sessions = {
  async empty(scene: Scene) {
    const id = await upload(scene, {}, "", longMs);
    // Somebody has died between the bytes and the row.
    const step = dyingBefore((name) => name === "change");
    await expect(scene.store("e", { step }).uploads.append(id, 0, bytesOf("abc"))).rejects.toBeInstanceOf(Dead);
    return id;
  },
  "with bytes": (scene: Scene) => upload(scene, {}, "abc"),
  "with its last bytes missing": (scene: Scene) => upload(scene, { size: 6 }, "abc", longMs),
  "for a new key": (scene: Scene) => upload(scene, { if_version: 0 }, "abc"),
  async "full and open"(scene: Scene) {
    const id = await upload(scene, { size: 3 }, "");
    let looks = 0;
    const step = dyingBefore((name) => {
      if (name === "getMany") looks += 1; // at the key: when all bytes have come, and then to publish them
      return looks === 2;
    });
    await expect(scene.store("f", { step }).uploads.append(id, 0, bytesOf("abc"))).rejects.toBeInstanceOf(Dead);
    return id;
  },
  async "in two pieces"(scene: Scene) {
    const id = await upload(scene, {}, "ab");
    await scene.store("t").uploads.append(id, 2, bytesOf("c"));
    return id;
  },
  async "in conflict"(scene: Scene) {
    const id = await upload(scene, { if_version: 7 }, "abc");
    await expect(scene.store("h").uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    return id;
  },
} as const;

interface Position {
  /** For the tests' names. */
  readonly name: string;
  readonly artifact: keyof typeof artifacts;
  readonly session: keyof typeof sessions;
  /** Whether the versions came when the session was as it is already. */
  readonly isOvertaken: boolean;
}

const positions: readonly Position[] = Object.keys(sessions).flatMap((session) =>
  Object.keys(artifacts).flatMap((artifact) => {
    const position = (isOvertaken: boolean) => {
      const name = `a session ${session}${isOvertaken ? ", then" : " over"} ${artifact}`;
      return { name, artifact, session, isOvertaken } as Position;
    };
    if (session === "in conflict") return [position(true)];
    return session === "full and open" && artifact !== "none" ? [position(false), position(true)] : [position(false)];
  }),
);

async function upload(scene: Scene, options: object, text: string, ttlMs = sessionTtlMs): Promise<string> {
  const { uploads } = scene.store("u", { sessionTtlMs: ttlMs });
  const { id } = await uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", ...options });
  if (text !== "") await uploads.append(id, 0, bytesOf(text));
  await uploads.close();
  return id;
}

function dyingBefore(isLast: (name: string, key: unknown) => boolean): Step {
  return async (act, name, [key]) => {
    if (isLast(name, key)) throw new Dead(`dead before ${name}`);
    return act();
  };
}

/** The first change of a row of this kind is done, or left for `late`, and fails. */
function failingOnce(step: Step, kind: string, late?: (act: Act) => void): Step {
  let hasFailed = false;
  return async (act, name, values) => {
    const rows = name === "change" ? (values[0] as readonly RowChange[]) : [];
    if (hasFailed || !rows.some(({ key }) => key.startsWith(kind))) return step(act, name, values);
    hasFailed = true;
    await step<unknown>(async () => (late === undefined ? act() : late(act)), name, values);
    throw unheardError;
  };
}

type Act = () => Promise<unknown>;

/** Transactions whose sender does not know of them any more. Each happens at any moment, or never. */
class Late {
  readonly #waiting: Act[] = [];
  readonly add = (act: Act): void => void this.#waiting.push(act);

  get count(): number {
    return this.#waiting.length;
  }

  /** As a process: more than one is rare. */
  async work(step: Step): Promise<void> {
    for (const name of ["what was late", "what was late again"]) {
      await step(
        async () => {
          const act = this.#waiting.shift();
          await act?.();
          return act !== undefined;
        },
        name,
        [],
      );
    }
  }
}

/** Which steps of a process fail, in place of their effect or behind it. */
interface Failures {
  readonly at: readonly number[];
  readonly isBefore: boolean;
  readonly isFull: boolean;
  /** A change that fails before its effect happens later all the same. */
  readonly isLate: boolean;
}

function failingAt(step: Step, { at, isBefore, isFull, isLate }: Failures, late: Late): Step {
  let count = 0;
  return async (act, name, values) => {
    count += 1;
    const isFailing = at.includes(count) && !["close", "releaseReserve", "restoreReserve"].includes(name);
    if (!isFailing) return step(act, name, values);
    await step<unknown>(
      async () => {
        if (!isBefore) return act();
        if (isLate && name === "change") late.add(act);
        return undefined;
      },
      name,
      values,
    );
    throw isFull ? new ArtifactError("storage_full", `full at ${name}`) : unheardError;
  };
}

interface Start {
  readonly scene: Scene;
  readonly id: string;
}

async function prepare({ artifact, session, isOvertaken }: Position, pieceLimits: PieceLimits): Promise<Start> {
  const scene = new Scene(pieceLimits);
  const saveAll = async () => {
    for (const text of artifacts[artifact]) await saveText(scene.store(`p-${text}`), "b", "k", text);
  };
  if (!isOvertaken) await saveAll();
  const id = await sessions[session](scene);
  if (isOvertaken) await saveAll();
  return { scene, id };
}

/** What the processes of one run were told to do, and where they stand. */
interface Cast extends Start {
  readonly names: readonly string[];
  readonly outcomes: readonly Outcome[];
  /** Steps fail: who hears of a failure knows nothing, and who is told that a version is gone may not have done it. */
  readonly hasFailures: boolean;
}

/** What must be so at any moment: rows and files agree, each change was lawful, and every answer still holds. */
function expectRight({ scene, id, names, outcomes, hasFailures }: Cast, isAborted = false): void {
  expectSound(scene.state);
  for (const { session, pieces, sha256 } of scene.artifact()?.versions ?? []) {
    assert.equal(digestOf(contentOfPieces(scene.state, session, pieces)), sha256, `the bytes of ${session}`);
  }
  const published = scene.published();
  assert.equal(new Set(published).size, published.length, "published twice");
  assert.deepEqual(scene.expiredTooSoon, [], "expired before its time");
  assert.deepEqual(scene.endedAgain, [], "ended, and ended otherwise");
  for (const change of scene.changes) expectLawful(change, names);

  const others = names.map(operationOf);
  const mayHaveEnded = isAborted || others.some(({ mayEnd }) => mayEnd);
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome === undefined) continue;
    const by = String(n);
    if ("answer" in outcome) {
      // Where steps fail, a version that somebody else has deleted may be answered too: it is gone.
      if (hasFailures && names[n]?.startsWith("delete")) continue;
      others[n]?.promises?.(outcome.answer, { scene, id, by, mayHaveEnded });
    } else expectRefused(outcome.error, by, { scene, names, hasFailures });
  }
}

function expectRefused(error: unknown, by: string, cast: Pick<Cast, "scene" | "names" | "hasFailures">): void {
  expectAnswerable(error, cast.names.map(operationOf));
  const isPublished = cast.scene.published().some((session) => session.startsWith(`${by}-`));
  assert.ok(cast.hasFailures || !isPublished, "a save that failed is published");
}

function expectLawful(
  { by, before, after, lastBefore, added, removed, isOvertaken }: Change,
  names: readonly string[],
): void {
  const operation = operations[names[Number(by)] ?? ""];
  if (added === undefined) {
    for (const { version } of removed) assert.ok(operation?.deletes?.(version), `${by} took version ${version} away`);
    if (after !== undefined) assert.equal(after.last, before?.last, "the last number given");
    return;
  }
  const { version, session } = added;
  assert.equal(version.version, lastBefore + 1, "a version number is given once");
  assert.equal(after?.last, version.version, "the last number given");
  assert.deepEqual(removed, (before?.versions ?? []).slice(keepVersions - 1), "versions past those that are kept");
  const isSweep = operation?.isSweep || by.startsWith("sweep");
  if (session === undefined) {
    assert.ok(!isSweep, "a sweep saves nothing");
    return;
  }
  assert.ok(["open", "conflict"].includes(session.status), "what is published");
  const newest = before?.versions[0]?.version ?? 0;
  const isMet = [null, newest].includes(session.if_version) || operation?.if_version === newest;
  assert.ok(isMet, `if_version ${session.if_version} on top of ${newest}`);
  if (isSweep) assert.ok(session.is_listed && !isOvertaken, "left behind, and published on top of what came later");
}

/** Past the time of every session, and of what is left alone behind it. */
const endMs = sceneMs + longMs + 2 * dayMs;

const finishes = ["complete", "abort", "sweep"] as const;

/** A fresh process finishes what is left: by the one call, then by sweeping. */
async function finish(cast: Cast, how: (typeof finishes)[number]): Promise<void> {
  const scene = cast.scene.copy();
  const now = { ...cast, scene };
  const others = cast.names.map(operationOf);
  // Who does not hear of what it did leaves things as one does that dies.
  const hasDeaths =
    cast.hasFailures || cast.outcomes.includes(undefined) || others.some(({ unheard }) => unheard !== undefined);
  let isAborted = how === "abort";
  const { uploads } = scene.store("next");
  const call = (name: "complete" | "abort") => uploads[name](cast.id).catch((error) => expectAnswerable(error, others));
  if (how === "sweep") await sweep(scene, "sweep");
  else await call(how);
  expectRight(now, isAborted);
  if (!hasDeaths && how !== "sweep") {
    await call("abort");
    isAborted = true;
    expectRight(now, isAborted);
    expectNothingLeaked(scene.state);
  }
  await sweep(scene, "sweep again");
  expectRight(now, isAborted);
  // Each state leads to the next: an upload left completing may come to be held, one held expires, its row goes.
  for (const what of ["was left", "has expired", "has ended"]) await sweep(scene, `sweep what ${what}`, endMs);
  expectRight(now, true);
  // Whoever slept for longer than its session's row lived, and died then, may leave a file, which `verify` finds.
  const hasSlept = hasDeaths && cast.names.includes("sweep much later");
  if (!hasSlept) expectNothingLeft(scene.state);
  assert.deepEqual(scene.rowsUnder("session\t", "upload\t", "freed\t"), [], "rows that nobody needs");
}

async function sweep(scene: Scene, by: string, nowMs = inTimeMs): Promise<void> {
  const store = scene.store(by, { now: () => nowMs });
  const { failed } = await store.sweep.run({ graceMs: 0, trustsClock: true });
  assert.equal(failed, 0, "steps of the sweep that failed");
}

function createWorld(
  start: Start,
  names: readonly string[],
  check: (cast: Cast) => Promise<void>,
  failures: readonly Failures[] = [],
): World {
  const scene = start.scene.copy();
  const late = new Late();
  const hasLate = failures.some(({ isLate }) => isLate) || names.some((name) => operationOf(name).isLate);
  const hasFailures = failures.length > 0 || hasLate;
  const lost = { name: "late", work: (step: Step) => late.work(step) };
  return {
    processes: [
      ...names.map((name, n) => ({
        name,
        async work(step: Step) {
          const { run, nowMs, unheard, isLate } = operationOf(name);
          const own = failures[n] === undefined ? step : failingAt(step, failures[n], late);
          const taken = unheard === undefined ? own : failingOnce(own, unheard, isLate ? late.add : undefined);
          const store = scene.store(String(n), { step: taken, ...(nowMs === undefined ? {} : { now: () => nowMs }) });
          try {
            return await run(store, start.id);
          } finally {
            await store.close();
          }
        },
      })),
      ...(hasLate ? [lost] : []),
    ],
    contents: () => `${scene.contents()}\n${late.count} late`,
    check: (outcomes) => check({ scene, id: start.id, names, outcomes: outcomes.slice(0, names.length), hasFailures }),
  };
}

async function finishAll(cast: Cast): Promise<void> {
  expectRight(cast);
  for (const how of finishes) {
    await finish(cast, how).catch((error) => {
      throw new Error(`${error.message}, after a ${how} by who came next`, { cause: error });
    });
  }
}

const totals = { searches: 0, schedules: 0, states: 0, deaths: 0, ms: 0 };

async function search(position: Position, names: readonly string[], pieceLimits: PieceLimits): Promise<void> {
  const began = performance.now();
  const start = await prepare(position, pieceLimits);
  const finished = new Set<string>();
  const found = await explore(() =>
    createWorld(start, names, async (cast) => {
      const told = cast.outcomes.map((outcome) => (outcome && "error" in outcome ? String(outcome.error) : outcome));
      const key = `${cast.scene.contents()} ${JSON.stringify(told)}`;
      if (finished.has(key)) return;
      finished.add(key);
      await finishAll(cast);
    }),
  );
  totals.searches += 1;
  totals.ms += performance.now() - began;
  for (const what of ["schedules", "states", "deaths"] as const) totals[what] += found[what];
}

const names = Object.keys(operations);
const pairs = names.flatMap((name, n) => names.slice(n).map((other) => [name, other]));

/** In the long run all of them; else each pair on one position and in one place, and each position with as many. */
function pairsOn(position: Position, place: Place): string[][] {
  const at = positions.indexOf(position) * places.length + places.indexOf(place);
  return pairs.filter((_, n) => isLong || n % (positions.length * places.length) === at);
}

type Place = (typeof places)[number];
/** Where the bytes lie: "abc" fits in a row, in no row, or in a row until three more come. */
const places = [
  { where: "in rows", limits: defaultPieceLimits },
  { where: "in the content store", limits: noRowPieces },
  { where: "in both", limits: tinyPieces },
] as const;
const cases = positions.flatMap((position) => places.map((place) => ({ name: position.name, position, place })));

describe("two operations, in every order of their steps, either or both dying at any of them", () => {
  it.each(cases)("on $name, bytes $place.where", async ({ position, place }) => {
    for (const pair of pairsOn(position, place)) await search(position, pair, place.limits);
  });
});

/** Where a guard keeps a promise that no other pair needs it for, or few do. */
const guarded: readonly (Pick<Position, "session" | "artifact"> & { readonly names: string[] })[] = [
  { session: "with bytes", artifact: "an identical one", names: ["complete", "delete all and complete"] },
  { session: "full and open", artifact: "one", names: ["save", "delete all"] },
  { session: "with bytes", artifact: "none", names: ["complete, unheard", "get"] },
  { session: "empty", artifact: "none", names: ["save", "save and delete all"] },
  { session: "with bytes", artifact: "none", names: ["complete", "save and delete all"] },
  { session: "in two pieces", artifact: "one", names: ["complete, late", "delete all"] },
  { session: "with bytes", artifact: "none", names: ["append the last bytes, late", "append other bytes in time"] },
  { session: "with its last bytes missing", artifact: "none", names: ["append the last bytes, late", "get"] },
  { session: "with its last bytes missing", artifact: "none", names: ["append the last bytes, late", "abort"] },
  { session: "with bytes", artifact: "none", names: ["append other bytes in time", "sweep late"] },
  { session: "with its last bytes missing", artifact: "none", names: ["append the last bytes", "sweep much later"] },
  { session: "empty", artifact: "none", names: ["append all and complete", "append the last bytes"] },
  { session: "empty", artifact: "none", names: ["append all and complete", "sweep much later"] },
];

const guardedCases = guarded.flatMap((guard) => places.map((place) => ({ ...guard, place })));

it.each(guardedCases)(
  "$names.0 and $names.1 on a session $session over $artifact, bytes $place.where",
  async (guard) => {
    const { session, artifact, names, place } = guard;
    await search({ name: "", session, artifact, isOvertaken: false }, names, place.limits);
  },
);

const position = fc.constantFrom(...positions);
const place = fc.constantFrom(...places);

it("four operations, in random orders of their steps, any of them dying at any of them", async () => {
  const four = fc.array(fc.constantFrom(...names), { minLength: 4, maxLength: 4 });
  const choices = fc.array(fc.nat(3), { maxLength: 120, size: "max" });
  const lifetimes = fc.array(fc.option(fc.nat(25), { nil: Number.POSITIVE_INFINITY }), { minLength: 4, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(position, place, four, choices, lifetimes, async (position, { limits }, names, ...order) => {
      await follow(createWorld(await prepare(position, limits), names, finishAll), ...order);
    }),
    { numRuns: isLong ? 50_000 : 2_000 },
  );
});

it("three operations, in random orders of their steps, any of which fails, before or behind its effect", async () => {
  const three = { minLength: 3, maxLength: 3 };
  const choices = fc.array(fc.nat(2), { maxLength: 120, size: "max" });
  const lifetimes = fc.array(fc.option(fc.nat(25), { nil: Number.POSITIVE_INFINITY, freq: 3 }), three);
  const steps = fc.array(fc.integer({ min: 1, max: 24 }), { maxLength: 3 });
  const failures = fc.array(
    fc.record({ at: steps, isBefore: fc.boolean(), isFull: fc.boolean(), isLate: fc.boolean() }),
    three,
  );
  const cast = fc.array(fc.constantFrom(...names), three);
  await fc.assert(
    fc.asyncProperty(
      ...([position, place, cast, choices, lifetimes, failures] as const),
      async (position, { limits }, names, choices, lifetimes, failures) => {
        await follow(createWorld(await prepare(position, limits), names, finishAll, failures), choices, lifetimes);
      },
    ),
    { numRuns: isLong ? 50_000 : 2_000 },
  );
});

afterAll(() => {
  const { ms, ...counts } = totals;
  const text = Object.entries({ ...counts, seconds: Math.round(ms / 1000) }).map(([what, n]) => `${n} ${what}`);
  process.stdout.write(`schedules: ${text.join(", ")}\n`);
});
