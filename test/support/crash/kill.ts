import { spawn } from "node:child_process";
import { once } from "node:events";
import type { MortalProgram } from "./build.js";
import type { Place } from "./places.js";

export interface Death {
  /** Each step up to the one that did not happen, as the names of the places that it was asked for from. */
  readonly steps: readonly string[][];
  /** Calls whose answer the process had. */
  readonly answered: number;
}

export interface Run {
  readonly scenario: string;
  readonly root: string;
  readonly id: string;
  /** The step before which the process dies; behind them all where there are fewer. */
  readonly last: number;
}

/** Lets a process do what the scenario says until it is killed. */
export async function runUntil(program: MortalProgram, places: readonly Place[], run: Run): Promise<Death> {
  const args = [program.path, run.scenario, run.root, run.id, String(run.last)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const [code, signal] = await once(child, "close");
  if (signal !== "SIGKILL") throw new Error(`The process ended with ${code} and was not killed: ${errors}`);
  const words = said.split("\n").map((line) => line.split(" "));
  return {
    steps: words.filter(([word]) => word === "step").map(([, ...stack]) => placesOf(stack, program, places)),
    answered: words.filter(([word]) => word === "answered").length,
  };
}

/** The places that a stack goes through. @throws where what changes the disk is none of them */
function placesOf(stack: readonly string[], program: MortalProgram, places: readonly Place[]): string[] {
  const lines = stack.map((position) => program.sourceOf(position)).filter((line) => line.startsWith("src/"));
  const [innermost] = lines;
  const found = lines.flatMap((line) => places.find((place) => place.line === line)?.name ?? []);
  if (!places.some(({ line }) => line === innermost)) {
    throw new Error(`${innermost} changes the disk, and test/support/crash/places.ts does not find it`);
  }
  return [...new Set(found)];
}
