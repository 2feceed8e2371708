import { spawn } from "node:child_process";
import { once } from "node:events";
import type { MortalProgram } from "./build.js";
import type { Place } from "./places.js";

export interface Death {
  /** All steps, including the last one, which was not done. Each is the list of places on its call stack. */
  readonly steps: readonly string[][];
  /** The number of calls that the process had an answer to. */
  readonly answered: number;
}

export interface Run {
  readonly scenario: string;
  readonly root: string;
  readonly id: string;
  /** The step before which the process dies. It dies at its end if there are fewer steps. */
  readonly last: number;
}

/** Runs a scenario in a process until the process is killed. */
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

/** The places on a stack. @throws Error if the line that changes the disk is not a known place */
function placesOf(stack: readonly string[], program: MortalProgram, places: readonly Place[]): string[] {
  const lines = stack.map((position) => program.sourceOf(position)).filter((line) => line.startsWith("src/"));
  const [innermost] = lines;
  const found = lines.flatMap((line) => places.find((place) => place.line === line)?.name ?? []);
  if (!places.some(({ line }) => line === innermost)) {
    throw new Error(`${innermost} changes the disk, but test/support/crash/places.ts does not find it`);
  }
  return [...new Set(found)];
}
