import { Dead, type Step } from "./faults.js";

/*
 * Runs the real code in every order in which processes can take their steps: stateless model checking that remembers
 * the states that it has seen.
 *
 * A death needs no choice of its own. A process that died at a step looks the same as one that never continues. So each
 * state is also the end of a run in which every unfinished process has died there: after the effect of its last step
 * and before its next step.
 */

/** How a process ended. Undefined if it has not: it may still continue, or it has died. */
export type Outcome = { readonly answer: unknown } | { readonly error: unknown } | undefined;

/** One run from the start. All runs begin in the same state, and do the same if their steps get the same answers. */
export interface World {
  readonly processes: readonly {
    readonly name: string;
    /** Does the work of the process. Each call goes through `step`. */
    work(step: Step): Promise<unknown>;
  }[];
  /** Everything that the processes share, as text. Two states with equal text look the same to every process. */
  contents(): string;
  /** Throws if something is wrong in this state. Does not change the state. */
  check(outcomes: readonly Outcome[]): Promise<void> | void;
}

export interface Exploration {
  /** Number of orders that were followed until every process had ended. */
  readonly schedules: number;
  /**
   * Number of different states: of the shared contents, and of the answers that each process has got. Each is checked
   * once.
   */
  readonly states: number;
  /** Number of states with an unfinished process. Each of them is a run with deaths. */
  readonly deaths: number;
}

/** Follows every order of steps, depth first. @throws the error of `check`, with the schedule */
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
 * Follows one order. Each of `choices` picks one of the processes that can continue. After the last choice they
 * continue in turn. Checks the last state.
 *
 * @param lifetimes the number of steps after which each process dies
 * @throws the error of `check`, with the schedule
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

/** Returns a function that gives equal texts the same number. */
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

  /** Lets a process take its next step, and waits until it is before another step or at its end. */
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
      const waiting = this.unfinished().map((n) => `${n} waits before ${this.#processes[n]?.next}`);
      const text = `${error instanceof Error ? error.message : error}\nProcesses: ${cast}\nSchedule, each step by its process:`;
      throw new Error([text, ...this.#names, ...waiting].join("\n  "), { cause: error });
    }
  }

  /** Kills the unfinished processes, so that none is left running. */
  async end(): Promise<void> {
    for (const process of this.#processes) await process.kill();
  }
}

/** One process. It waits before a step, or has ended. */
class Process {
  outcome: Outcome;
  /** The name of the step that the process waits to take. */
  next: string | undefined;
  /** A number for all answers that its steps have got, in order. What the process does next depends only on them. */
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
 * Whether a call leaves nothing that another process can see, in engines that keep nothing on a disk. The order of such
 * calls does not matter, so they are no steps. The rows `changed` and `clock` are only hints, and the row `store` never
 * changes. The limits of buckets are read at the beginning of a process, or right after it has changed them.
 */
function isUnseen(name: string, [key]: readonly unknown[]): boolean {
  const unseen = ["close", "sync", "releaseReserve", "restoreReserve", "isInPlace", "reclaim", "compact", "readMark"];
  return (
    [...unseen, "writeMark"].includes(name) ||
    (name === "put" && (key === "changed" || key === "clock")) ||
    key === "store" ||
    key === "bucket\t"
  );
}
