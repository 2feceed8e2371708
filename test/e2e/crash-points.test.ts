import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildMortalProgram, type MortalProgram } from "../support/crash/build.js";
import { copyStore } from "../support/crash/copy-store.js";
import { expectRecovered } from "../support/crash/expect-recovered.js";
import { type Death, runUntil } from "../support/crash/kill.js";
import { findPlaces, type Place } from "../support/crash/places.js";
import { openAs } from "../support/crash/process.js";
import type { Scenario } from "../support/crash/scenario.js";
import { scenarios } from "../support/crash/scenarios.js";

/*
 * A real process is killed right before a step that changes the disk. Another process opens the directory and finds no
 * fault and every acknowledged byte. The operation can be repeated, and leaves nothing behind.
 *
 * ARTIFACTS_LONG=1 kills before every step, twice: once the operation is repeated first, and once a sweep runs first.
 * Without it, a process is killed once at each stack of places, and in each scenario at the first step of each call of a
 * port.
 */
const isLong = process.env["ARTIFACTS_LONG"] === "1";
const processesAtOnce = 3;

/** Places where no process is killed, with the reason. */
const unreachable: Readonly<Record<string, string>> = {
  "src/store/uploads/appender.ts renew: return (await change.commit()) ? next : undefined;":
    "only a stream that takes longer than half of the life of its session reaches it",
  "src/engines/sqlite/change-batches.ts top: return changer.change(batch, 1);":
    "only a full disk reaches it: test/e2e/full-disk.test.ts",
};

let folder: string;
let program: MortalProgram;
let places: readonly Place[];
/** The names of the places at which a process was killed. */
const covered = new Set<string>();
/** The stacks of places that were chosen for a kill. */
const points = new Set<string>();
let kills = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-crash-"));
  program = await buildMortalProgram(folder);
  places = await findPlaces();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  process.stdout.write(`crash points: ${kills} kills, at ${covered.size} of ${places.length} places\n`);
});

interface Prepared {
  readonly template: string;
  readonly id: string;
}

async function prepare(scenario: Scenario): Promise<Prepared> {
  const template = await mkdtemp(join(folder, "template-"));
  if (scenario.isOpening) return { template, id: "" };
  const living = await openAs(join(template, "root"), { ...scenario.options, later: 0 });
  const id = (await scenario.prepare?.(living)) ?? "";
  await living.close();
  await age(template);
  return { template, id };
}

/** Makes all files two days older: an unnamed file counts as an orphan only after one day. */
async function age(path: string): Promise<void> {
  const then = Date.now() / 1000 - 2 * 86_400;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then);
  }
}

/** Kills a process before step `last`, and checks the store that it leaves. Returns how the process died. */
async function dieAt(last: number, isSweptFirst: boolean, scenario: Scenario, { template, id }: Prepared) {
  const copy = await mkdtemp(join(folder, "copy-"));
  await copyStore(template, copy);
  const root = join(copy, "root");
  const death = await runUntil(program, places, { scenario: scenario.name, root, id, last });
  try {
    await expectRecovered(scenario, { root, id, answered: death.answered, isSweptFirst });
    return death;
  } catch (error) {
    const where = `killed before step ${last}, ${isSweptFirst ? "then swept" : "then made again"}`;
    const message = error instanceof Error ? error.message : String(error);
    throw new Error([where, ...(death.steps.at(-1) ?? []), message].join("\n  "), { cause: error });
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** The steps to kill before, each with the order of the checks: whether a sweep runs first. */
function chosen(steps: Death["steps"]): (readonly [last: number, isSweptFirst: boolean])[] {
  if (isLong) return steps.flatMap((_, index) => [[index + 1, false] as const, [index + 1, true] as const]);
  const asked = new Set<string>();
  return steps.flatMap((stack, index) => {
    const point = stack.join(" < ");
    const call = stack.filter((name) => name.startsWith("src/store/")).join(" < ");
    if (points.has(point) && asked.has(call)) return [];
    points.add(point);
    asked.add(call);
    return [[index + 1, index % 2 === 0] as const];
  });
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: processesAtOnce }, worker));
}

/**
 * A slower disk is given more bytes at a time. So a run may reach a step earlier or later than the run before it, or not at
 * all, and is tried again.
 */
const maxAttempts = 5;

function note(steps: Death["steps"], last: number): void {
  expect(steps.length).toBe(last);
  kills += 1;
  for (const name of steps.at(-1) ?? []) covered.add(name);
}

const named = scenarios.map((scenario) => [scenario.name, scenario] as const);

describe("a killed process", () => {
  it.each(named)("while %s", async (_, scenario) => {
    const prepared = await prepare(scenario);
    const { steps: all, answered } = await dieAt(Number.POSITIVE_INFINITY, true, scenario, prepared);
    expect(answered, "calls that came to their end").toBe(scenario.act.length);
    await inParallel(chosen(all), async ([first, isSweptFirst]) => {
      const isWanted = (stack: readonly string[]): boolean => stack.join() === all[first - 1]?.join();
      let last = first;
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        const { steps, answered: ended } = await dieAt(last, isSweptFirst, scenario, prepared);
        if (steps.length < last) expect(ended).toBe(scenario.act.length);
        else note(steps, last);
        const found = steps.findIndex(isWanted);
        if (found === last - 1) return;
        last = found < 0 ? last + 1 : found + 1;
      }
    });
  });

  it("was killed at every place in the code that changes something", () => {
    const names = places.map(({ name }) => name);
    expect(new Set(names).size, "lines of one function that differ in nothing hide one another").toBe(names.length);
    const missed = names.filter((name) => !covered.has(name));
    expect(missed, "the places at which no scenario kills a process").toEqual(Object.keys(unreachable));
  });
});
