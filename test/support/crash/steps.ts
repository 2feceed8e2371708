import { AsyncLocalStorage } from "node:async_hooks";
import { writeSync } from "node:fs";

/** Where calls were made, as `line:column` of the bundle, the innermost first. */
type Positions = readonly string[];

const callers = new AsyncLocalStorage<Positions>();
let steps = 0;
let dying = Number.POSITIVE_INFINITY;
let isCounting = false;

/** From here on every step counts, and the process is killed right before number `last`. */
export function countSteps(last: number): void {
  isCounting = true;
  dying = last;
}

/** Tells the test's process; it is said when this returns, whatever becomes of this process. */
export function say(word: "step" | "answered", text: string): void {
  writeSync(1, `${word} ${text}\n`);
}

export function die(): void {
  process.kill(process.pid, "SIGKILL");
}

/** Something on the disk is about to change. */
export function step(): void {
  if (!isCounting) return;
  steps += 1;
  say("step", [...positions(), ...(callers.getStore() ?? [])].join(" "));
  if (steps === dying) die();
}

/** Does `act` so that its steps know who asked for it, however many promises later they are taken. */
export function askedFromHere<Result>(act: () => Result): Result {
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
