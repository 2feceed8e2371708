import { AsyncLocalStorage } from "node:async_hooks";
import { writeSync } from "node:fs";

/** Positions of calls, as `line:column` in the bundle, innermost first. */
type Positions = readonly string[];

const callers = new AsyncLocalStorage<Positions>();
let steps = 0;
let dying = Number.POSITIVE_INFINITY;
let isCounting = false;

/** Counts steps from now on. The process is killed right before step `last`. */
export function countSteps(last: number): void {
  isCounting = true;
  dying = last;
}

/** Writes a line to the test's process. The line is written when this returns, even if this process dies then. */
export function say(word: "step" | "answered", text: string): void {
  writeSync(1, `${word} ${text}\n`);
}

export function die(): void {
  process.kill(process.pid, "SIGKILL");
}

/** Called right before something on the disk changes. */
export function step(): void {
  if (!isCounting) return;
  steps += 1;
  say("step", [...positions(), ...(callers.getStore() ?? [])].join(" "));
  if (steps === dying) die();
}

/** Runs `act`. Its steps record the current stack as their caller, even if they are taken many promises later. */
export function withCaller<Result>(act: () => Result): Result {
  return callers.run([...positions(), ...(callers.getStore() ?? [])], act);
}

function positions(): Positions {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  Error.prepareStackTrace = (_, sites) => sites;
  const sites = new Error().stack as unknown as NodeJS.CallSite[];
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  const inBundle = sites.filter((site) => site.getFileName()?.startsWith("file:"));
  return inBundle.map((site) => `${site.getLineNumber()}:${site.getColumnNumber()}`);
}
