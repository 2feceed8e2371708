import { cp, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildMortalProgram, type MortalProgram } from "../support/crash/build.js";
import { expectGood } from "../support/crash/judge.js";
import { type Death, runUntil } from "../support/crash/kill.js";
import { findPlaces, type Place } from "../support/crash/places.js";
import { openAs } from "../support/crash/process.js";
import { type Scenario, scenarios } from "../support/crash/scenarios.js";

/*
 * A real process is killed right before a thing that it changes on the disk. Another one opens the directory: nothing
 * is wrong with it, what was acknowledged is there, the operation can be made again, and nothing is left behind.
 *
 * ARTIFACTS_LONG=1 kills before every step, and judges each death twice: as who makes the operation again finds it,
 * and as the sweep does. Without it, one of the steps that a scenario takes from the same places, judged once.
 */
const isLong = process.env["ARTIFACTS_LONG"] === "1";
const processesAtOnce = 3;

/** Places where no process is killed, and why. */
const unreachable: Readonly<Record<string, string>> = {
  "src/engines/disk-blob-store.ts fillReserve: await rm(path, { force: true });": "only where the disk is really full",
};

let folder: string;
let program: MortalProgram;
let places: readonly Place[];
/** The names of the places at which a process was killed. */
const covered = new Set<string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "artifacts-mcp-crash-"));
  program = await buildMortalProgram(folder);
  places = await findPlaces();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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
  if (scenario.faults !== undefined) await age(template);
  return { template, id };
}

/** By two days: what nobody names is an orphan only after one. */
async function age(path: string): Promise<void> {
  const then = Date.now() / 1000 - 2 * 86_400;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then);
  }
}

async function copyOf(path: string): Promise<string> {
  const copy = await mkdtemp(join(folder, "copy-"));
  await cp(path, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** Kills a process before step `last`, and judges what is left of it; answers how it died. */
async function dieAt(last: number, scenario: Scenario, { template, id }: Prepared, orders: readonly boolean[]) {
  const copy = await copyOf(template);
  const death = await runUntil(program, places, { scenario: scenario.name, root: join(copy, "root"), id, last });
  let isLeft = false;
  for (const isSweptFirst of orders) {
    const remains = await copyOf(copy);
    const { answered } = death;
    const left = await expectGood(scenario, { root: join(remains, "root"), id, answered, isSweptFirst }).catch(
      (error) => {
        const where = death.steps.at(-1)?.join("\n  ");
        const order = isSweptFirst ? "after a sweep" : "at once";
        throw new Error(`killed before step ${last}, judged ${order}\n  ${where}\n${error.message}`, { cause: error });
      },
    );
    isLeft ||= left;
    await rm(remains, { recursive: true });
  }
  await rm(copy, { recursive: true });
  return { ...death, isLeft };
}

/** The numbers of the steps to die at. */
function chosen({ steps }: Death): number[] {
  const names = steps.map((step) => step.join(" > "));
  return names.flatMap((name, index) => (isLong || names.indexOf(name) === index ? [index + 1] : []));
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: processesAtOnce }, worker));
}

describe("a process that is killed", () => {
  it.each(scenarios)("while $name", { timeout: isLong ? 600_000 : 60_000 }, async (scenario) => {
    const prepared = await prepare(scenario);
    const whole = await dieAt(Number.POSITIVE_INFINITY, scenario, prepared, [false, true]);
    let lefts = 0;
    await inParallel(chosen(whole), async (last) => {
      const { steps, isLeft } = await dieAt(last, scenario, prepared, isLong ? [false, true] : [last % 2 === 0]);
      expect(steps.length).toBe(last);
      for (const name of steps.at(-1) ?? []) covered.add(name);
      if (isLeft) lefts += 1;
    });
    expect(whole.steps.length).toBeGreaterThan(1);
    expect(lefts > 0, "what the scenario says that a kill leaves behind").toBe(scenario.leaves !== undefined);
  });

  it("has been killed at every place in the code where something changes", () => {
    const names = places.map(({ name }) => name);
    const missed = names.filter((name) => !covered.has(name));
    expect(missed, "the places at which no scenario kills a process").toEqual(Object.keys(unreachable));
  });
});
