import assert from "node:assert/strict";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ArtifactError } from "../../src/store/model/errors.js";
import { defaultPieceLimits, type PieceLimits } from "../../src/store/model/limits.js";
import type { RowChange } from "../../src/store/ports/metadata-store.js";
import type { Store } from "../../src/store/store.js";
import { expectAllowed } from "../support/allowed-changes.js";
import { Dead, type Step } from "../support/faults.js";
import {
  contentOfPieces,
  expectListed,
  expectNothingLeaked,
  expectNothingLeft,
  expectSound,
} from "../support/invariants.js";
import {
  digestOf,
  expectAnswerable,
  inTimeMs,
  operationOf,
  operations,
  sourceKey,
  unheardError,
} from "../support/operations.js";
import { dayMs, Scene, sceneMs, sessionTtlMs } from "../support/scene.js";
import { explore, follow, type Outcome, type World } from "../support/schedules.js";
import { bytesOf, noRowPieces, saveText, tinyPieces } from "../support/stores.js";

/*
 * Runs any two operations on one key and one session in every order of their steps, with a death of one or both at any
 * step. Then another process finishes what is left. With ARTIFACTS_LONG=1 every pair runs on every position, and
 * the random tests run longer.
 */

const isLong = process.env["ARTIFACTS_LONG"] === "1";

/** The texts of the key's versions. */
const artifacts = {
  "no version": [],
  "one version": ["before"],
  "an identical version": ["abc"],
  "an identical version that has expired": ["abc"],
  "two versions": ["first", "second"],
} as const;

/** A session with this lifetime has not expired yet when the sweep no longer spares pieces that no row names. */
const longMs = 7 * dayMs;

/** Ways to prepare the session. Its first bytes are "abc". */
const sessions = {
  async empty(scene: Scene) {
    const id = await upload(scene, {}, "", longMs);
    // A process has died after it wrote the bytes and before it changed the row.
    const step = dyingBefore((name) => name === "change");
    await expect(scene.store("e", { step }).uploads.append(id, 0, bytesOf("abc"))).rejects.toBeInstanceOf(Dead);
    return id;
  },
  "with bytes": (scene: Scene) => upload(scene, {}, "abc"),
  "with its last bytes missing": (scene: Scene) => upload(scene, { size: 6 }, "abc", longMs),
  "for a new key": (scene: Scene) => upload(scene, { if_version: 0, checksGuardAtEnd: true }, "abc"),
  async "full and open"(scene: Scene) {
    const id = await upload(scene, { size: 3 }, "");
    let looks = 0;
    const step = dyingBefore((name) => {
      if (name === "getMany") looks += 1; // reads the key's rows: when all bytes are there, and again to publish
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
    const id = await upload(scene, { if_version: 7, checksGuardAtEnd: true }, "abc");
    await expect(scene.store("h").uploads.complete(id)).rejects.toMatchObject({ code: "version_conflict" });
    return id;
  },
} as const;

interface Position {
  /** For the names of the tests. */
  readonly name: string;
  readonly artifact: keyof typeof artifacts;
  readonly session: keyof typeof sessions;
  /** Whether the versions were saved after the session was prepared. */
  readonly isOvertaken: boolean;
}

const positions: readonly Position[] = Object.keys(sessions).flatMap((session) =>
  Object.keys(artifacts).flatMap((artifact) => {
    const position = (isOvertaken: boolean) => {
      const name = `a session ${session}, and a key with ${artifact}${isOvertaken ? " saved later" : ""}`;
      return { name, artifact, session, isOvertaken } as Position;
    };
    if (session === "in conflict") return [position(true)];
    return session === "full and open" && artifact !== "no version"
      ? [position(false), position(true)]
      : [position(false)];
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

/** The first change of a row of this kind fails. It was made all the same, or `late` gets it to make later. */
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

/** Changes that have failed for their sender. Each may still be made at any moment, or never. */
class Late {
  readonly #waiting: Act[] = [];
  readonly add = (act: Act): void => void this.#waiting.push(act);

  get count(): number {
    return this.#waiting.length;
  }

  /** Makes the late changes, as steps of a process of its own. More than two are very rare. */
  async work(step: Step): Promise<void> {
    for (const name of ["a late change", "another late change"]) {
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

/** The steps of a process that fail, before or after their effect. */
interface Failures {
  readonly at: readonly number[];
  readonly isBefore: boolean;
  readonly isFull: boolean;
  /** A change that fails before its effect is still made later. */
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
    if (artifact === "an identical version that has expired") return saveExpired(scene);
    for (const text of artifacts[artifact]) await saveText(scene.store(`p-${text}`), "b", "k", text);
  };
  if (!isOvertaken) await saveAll();
  const id = await sessions[session](scene);
  if (isOvertaken) await saveAll();
  return { scene, id };
}

/** Saves a version that has expired two hours ago. A sweep has seen it since, so that the next one may free it. */
async function saveExpired(scene: Scene): Promise<void> {
  const at = (name: string, hoursAgo: number): Store =>
    scene.store(name, { now: () => sceneMs - hoursAgo * 60 * 60 * 1000 });
  const brief = { bucket: "b", key: "k", bytes: bytesOf("abc"), defaultMimeType: "text/plain", expires_in: 60 * 60 };
  await at("p-expired", 3).artifacts.save(brief);
  await at("p-sweep", 3 / 2).sweep.run({ trustsClock: true });
}

/** The operations of the processes of one run, and their outcomes so far. */
interface Cast extends Start {
  readonly names: readonly string[];
  readonly outcomes: readonly Outcome[];
  /**
   * Whether steps fail. Then an error says nothing about the outcome, and a version reported as deleted may have been
   * deleted by another process.
   */
  readonly hasFailures: boolean;
}

/**
 * Checks what must hold at any moment: rows and files agree, each change was allowed, and every answer is still true.
 */
function expectRight({ scene, id, names, outcomes, hasFailures }: Cast, isAborted = false): void {
  expectSound(scene.state);
  expectListed(scene.state);
  for (const { session, pieces, sha256 } of scene.artifact()?.versions ?? []) {
    assert.equal(digestOf(contentOfPieces(scene.state, session, pieces)), sha256, `the bytes of ${session}`);
  }
  const published = scene.published();
  assert.equal(new Set(published).size, published.length, "a session is published twice");
  assert.deepEqual(scene.expiredTooSoon, [], "a session expired before its time");
  assert.deepEqual(scene.endedAgain, [], "a session that had ended was ended again");
  for (const change of [...scene.changes, ...scene.elsewhere]) expectAllowed(change, names);

  const others = names.map(operationOf);
  const mayHaveEnded = isAborted || others.some(({ mayEnd }) => mayEnd);
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome === undefined) continue;
    const by = String(n);
    if ("answer" in outcome) {
      // If steps fail, a deletion may also return a version that another process has deleted.
      if (hasFailures && names[n]?.startsWith("delete")) continue;
      others[n]?.promises?.(outcome.answer, { scene, id, by, mayHaveEnded });
    } else expectRefused(outcome.error, by, { scene, names, hasFailures });
  }
}

function expectRefused(error: unknown, by: string, cast: Pick<Cast, "scene" | "names" | "hasFailures">): void {
  expectAnswerable(error, cast.names.map(operationOf));
  const isPublished = cast.scene.published(sourceKey).some((session) => session.startsWith(`${by}-`));
  assert.ok(cast.hasFailures || !isPublished, "a save that failed was published");
  const hasEdited = cast.scene.changes.some((change) => change.by === by && change.edits.length > 0);
  assert.ok(cast.hasFailures || error === unheardError || !hasEdited, "an update that failed was made");
}

/** A time when every session has expired, and when the sweep no longer spares anything that is left behind. */
const endMs = sceneMs + longMs + 2 * dayMs;

const finishes = ["complete", "abort", "sweep"] as const;

/** A new process finishes what is left: first with one call, then with sweeps. */
async function finish(cast: Cast, how: (typeof finishes)[number]): Promise<void> {
  const scene = cast.scene.copy();
  const now = { ...cast, scene };
  const others = cast.names.map(operationOf);
  // A process whose answer was lost can leave the same behind as a process that died.
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
  // One sweep may prepare the next: a full upload may become a conflict, a conflict expires, then its row is deleted.
  for (const what of ["was left", "has expired", "has ended"]) await sweep(scene, `sweep what ${what}`, endMs);
  expectRight(now, true);
  // A process that slept longer than its session's row lived, and then died, may leave a file that `verify` finds.
  const hasSlept = hasDeaths && cast.names.includes("sweep much later");
  if (!hasSlept) expectNothingLeft(scene.state);
  assert.deepEqual(
    scene.rowsUnder("session\t", "upload\t", "open\t", "freed\t", "due\t"),
    [],
    "rows that are not needed any more",
  );
}

async function sweep(scene: Scene, by: string, nowMs = inTimeMs): Promise<void> {
  const store = scene.store(by, { now: () => nowMs });
  const { failed } = await store.sweep.run({ graceMs: 0, trustsClock: true });
  assert.equal(failed, 0, "number of failed steps of the sweep");
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
      throw new Error(`${error.message}, after a ${how} by the next process`, { cause: error });
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

/**
 * All pairs in the long run. Otherwise each pair runs on one position and place, and each of these gets equally many.
 */
function pairsOn(position: Position, place: Place): string[][] {
  const at = positions.indexOf(position) * places.length + places.indexOf(place);
  return pairs.filter((_, n) => isLong || n % (positions.length * places.length) === at);
}

type Place = (typeof places)[number];
/** Where the bytes are stored: "abc" fits in a row, in no row, or in a row until three more bytes come. */
const places = [
  { where: "in rows", limits: defaultPieceLimits },
  { where: "in the content store", limits: noRowPieces },
  { where: "in both", limits: tinyPieces },
] as const;
const cases = positions.flatMap((position) => places.map((place) => ({ name: position.name, position, place })));

describe("two operations, in every order of their steps, with a death of one or both at any step,", () => {
  it.each(cases)("keep their promises on $name, with bytes $place.where", async ({ position, place }) => {
    for (const pair of pairsOn(position, place)) await search(position, pair, place.limits);
  });
});

/** Cases in which one safeguard of the store is needed. No other pair needs it, or only few do. */
const guarded: readonly (Pick<Position, "session" | "artifact"> & { readonly names: readonly string[] })[] = [
  { session: "with bytes", artifact: "an identical version", names: ["complete", "delete all and complete"] },
  { session: "full and open", artifact: "one version", names: ["save", "delete all"] },
  { session: "with bytes", artifact: "no version", names: ["complete, answer lost", "get"] },
  { session: "empty", artifact: "no version", names: ["save", "save and delete all"] },
  { session: "with bytes", artifact: "no version", names: ["complete", "save and delete all"] },
  { session: "in two pieces", artifact: "one version", names: ["complete, made late", "delete all"] },
  {
    session: "with bytes",
    artifact: "no version",
    names: ["append the last bytes, made late", "append other bytes in time"],
  },
  {
    session: "with its last bytes missing",
    artifact: "no version",
    names: ["append the last bytes, made late", "get"],
  },
  {
    session: "with its last bytes missing",
    artifact: "no version",
    names: ["append the last bytes, made late", "abort"],
  },
  { session: "with bytes", artifact: "no version", names: ["append other bytes in time", "sweep late"] },
  { session: "with bytes", artifact: "one version", names: ["delete what is too old", "take the limit of age away"] },
  { session: "with bytes", artifact: "two versions", names: ["delete what is too old", "save later"] },
  {
    session: "with its last bytes missing",
    artifact: "no version",
    names: ["append the last bytes", "sweep much later"],
  },
  { session: "empty", artifact: "no version", names: ["append all and complete", "append the last bytes"] },
  { session: "empty", artifact: "no version", names: ["append all and complete", "sweep much later"] },
  { session: "with bytes", artifact: "one version", names: ["update metadata", "update under if_version 1"] },
  { session: "with bytes", artifact: "one version", names: ["update metadata", "save"] },
  { session: "with bytes", artifact: "one version", names: ["update, made late", "update metadata"] },
  { session: "with bytes", artifact: "an identical version", names: ["update metadata", "complete"] },
  ...["complete", "save", "sweep late", "keep for ever, by a clock that is behind"].map(
    (name) =>
      ({
        session: "with bytes",
        artifact: "an identical version that has expired",
        names: ["sweep soon", name],
      }) as const,
  ),
  { session: "empty", artifact: "two versions", names: ["move all versions, made late", "sweep much later"] },
  { session: "empty", artifact: "two versions", names: ["move all versions, made late", "delete all"] },
  { session: "empty", artifact: "two versions", names: ["move all versions", "move the newest"] },
  { session: "empty", artifact: "one version", names: ["move all versions", "save"] },
  { session: "empty", artifact: "one version", names: ["move onto version 1", "save"] },
  { session: "empty", artifact: "two versions", names: ["delete under", "save"] },
];

const guardedCases = guarded.flatMap((guard) => places.map((place) => ({ ...guard, place })));

it.each(guardedCases)(
  "$names.0 and $names.1 keep their promises on a session $session, and a key with $artifact, with bytes $place.where",
  async (guard) => {
    const { session, artifact, names, place } = guard;
    await search({ name: "", session, artifact, isOvertaken: false }, names, place.limits);
  },
);

const position = fc.constantFrom(...positions);
const place = fc.constantFrom(...places);

it("four operations, in random orders of their steps, with deaths at any step, keep their promises", async () => {
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

it("three operations, in random orders of their steps, with failures before or after their effect, keep their promises", async () => {
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
