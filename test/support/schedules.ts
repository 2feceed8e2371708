import { Dead, type Step } from "./faults.js";

/*
 * Every order in which processes can take their steps, each order run on the real code: stateless model checking with
 * a memory of the states that were met.
 *
 * A death needs no choice of its own. A process that died at a step cannot be told from one that is never let go on,
 * so each state is also the end of a run in which every process that has not come to its end has died there: before
 * its next step, which is behind the effect of its last.
 */

/** How a process ended. Undefined: it has not, so it may still go on or have died. */
export type Outcome = { readonly answer: unknown } | { readonly error: unknown } | undefined;

/** One run from the start. Each begins alike, and does the same wherever its steps are answered the same. */
export interface World {
  readonly processes: readonly {
    readonly name: string;
    /** Makes its calls as steps. */
    work(step: Step): Promise<unknown>;
  }[];
  /** All that the processes share, as text: equal where nothing that they can ask for differs. */
  contents(): string;
  /** Throws where something is wrong in this state; leaves it as it is. */
  check(outcomes: readonly Outcome[]): Promise<void> | void;
}

export interface Exploration {
  /** Orders that were followed until every process had ended. */
  readonly schedules: number;
  /** Places at which all processes had heard the same before, and shared the same: each was looked at once. */
  readonly states: number;
  /** States in which some process had not come to its end: runs with deaths. */
  readonly deaths: number;
}

/** Follows every order of steps, depth first. @throws what `check` throws, with the schedule */
export async function explore(begin: () => World): Promise<Exploration> {
  const seen = new Set<string>();
  const number = createNumbers();
  const todo: number[][] = [[]];
  let schedules = 0;
  let deaths = 0;

  for (let prefix = todo.pop(); prefix !== undefined; prefix = todo.pop()) {
    const run = await Run.begin(begin(), number);
    for (const choice of prefix) await run.advance(choice);
    for (;;) {
      const state = run.state();
      if (seen.has(state)) break;
      seen.add(state);
      await run.check();
      const [next, ...others] = run.unfinished();
      if (next === undefined) {
        schedules += 1;
        break;
      }
      deaths += 1;
      for (const other of others) todo.push([...run.schedule, other]);
      await run.advance(next);
    }
    await run.end();
  }
  return { schedules, states: seen.size, deaths };
}

/**
 * Follows one order: each of `choices` picks among the processes that can go on, and `lifetimes` says after how many
 * steps each dies. Behind the last choice they go on in turn. The last state is checked.
 *
 * @throws what `check` throws, with the schedule
 */
export async function follow(world: World, choices: readonly number[], lifetimes: readonly number[]): Promise<void> {
  const run = await Run.begin(world, createNumbers());
  for (let at = 0; ; at += 1) {
    const alive = run.unfinished().filter((n) => run.steps(n) < (lifetimes[n] ?? Number.POSITIVE_INFINITY));
    const next = alive[(choices[at] ?? at) % alive.length];
    if (next === undefined) break;
    await run.advance(next);
  }
  await run.check();
  await run.end();
}

/** The same number for the same text. */
function createNumbers(): (text: string) => number {
  const numbers = new Map<string, number>();
  return (text) => {
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, numbers.size);
    return numbers.size - 1;
  };
}

class Run {
  readonly schedule: number[] = [];
  readonly #world: World;
  readonly #number: (text: string) => number;
  readonly #processes: Process[];
  readonly #names: string[] = [];

  private constructor(world: World, number: (text: string) => number) {
    this.#world = world;
    this.#number = number;
    this.#processes = world.processes.map(({ work }) => new Process(work, number));
  }

  static async begin(world: World, number: (text: string) => number): Promise<Run> {
    const run = new Run(world, number);
    for (const process of run.#processes) await process.begin();
    return run;
  }

  /** Lets a process take its next step, and waits until it is at another or at its end. */
  async advance(n: number): Promise<void> {
    const process = this.#processes[n];
    if (process === undefined) throw new Error(`there is no process ${n}`);
    this.schedule.push(n);
    this.#names.push(`${n} ${process.next}`);
    await process.advance();
  }

  unfinished(): number[] {
    return this.#processes.flatMap(({ next }, n) => (next === undefined ? [] : [n]));
  }

  steps(n: number): number {
    return this.schedule.filter((taken) => taken === n).length;
  }

  state(): string {
    return [this.#number(this.#world.contents()), ...this.#processes.map(({ heard }) => heard)].join(" ");
  }

  async check(): Promise<void> {
    try {
      await this.#world.check(this.#processes.map(({ outcome }) => outcome));
    } catch (error) {
      const cast = this.#world.processes.map(({ name }, n) => `${n} ${name}`).join(", ");
      const waiting = this.unfinished().map((n) => `${n} stands before ${this.#processes[n]?.next}`);
      const text = `${error instanceof Error ? error.message : error}\nProcesses: ${cast}\nSchedule, each step by its process:`;
      throw new Error([text, ...this.#names, ...waiting].join("\n  "), { cause: error });
    }
  }

  /** Kills what has not come to its end, so that nothing of it is left. */
  async end(): Promise<void> {
    for (const process of this.#processes) await process.kill();
  }
}

/** One process: at a step, or at its end. */
class Process {
  outcome: Outcome;
  /** The step that it waits to take. */
  next: string | undefined;
  /** A number for all that its steps have answered, in order. What it does next depends on nothing else. */
  heard = 0;
  readonly #work: (step: Step) => Promise<unknown>;
  readonly #number: (text: string) => number;
  #isDead = false;
  #go: (() => void) | undefined;
  #done: Promise<void> = Promise.resolve();
  #atRest: () => void = () => undefined;

  constructor(work: (step: Step) => Promise<unknown>, number: (text: string) => number) {
    this.#work = work;
    this.#number = number;
  }

  begin(): Promise<void> {
    return this.#untilAtRest(() => {
      this.#done = this.#work(this.#step).then(
        (answer) => this.#end({ answer }),
        (error) => this.#end({ error }),
      );
    });
  }

  advance(): Promise<void> {
    return this.#untilAtRest(() => this.#leave());
  }

  async kill(): Promise<void> {
    this.#isDead = true;
    this.#leave();
    await this.#done;
  }

  #untilAtRest(act: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#atRest = resolve;
      act();
    });
  }

  #leave(): void {
    this.next = undefined;
    this.#go?.();
  }

  #end(outcome: Outcome): void {
    this.outcome = outcome;
    this.#atRest();
  }

  readonly #step: Step = async (act, name, values) => {
    if (isUnseen(name, values)) return act();
    if (this.next !== undefined) throw new Error(`${name} while ${this.next} has not been taken`);
    if (!this.#isDead) {
      await new Promise<void>((resolve) => {
        this.#go = resolve;
        this.next = [name, ...values.filter((value) => typeof value === "string").slice(0, 2)].join(" ").slice(0, 80);
        this.#atRest();
      });
    }
    if (this.#isDead) throw new Dead(`dead before ${name}`);
    const answer = await act();
    this.heard = this.#number(`${this.heard} ${JSON.stringify(answer)}`);
    return answer;
  };
}

/**
 * Calls of which nobody sees a trace in engines that keep nothing on a disk, so that no order of them matters: they
 * are not steps. The rows `changed` and `clock` are hints, and which store it is does not change.
 */
function isUnseen(name: string, [key]: readonly unknown[]): boolean {
  const unseen = ["close", "sync", "releaseReserve", "restoreReserve", "isInPlace", "reclaim", "readMark", "writeMark"];
  return unseen.includes(name) || (name === "put" && (key === "changed" || key === "clock")) || key === "store";
}
