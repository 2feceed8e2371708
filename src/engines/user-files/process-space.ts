import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

let space: string | undefined;

/**
 * 8 hex for the processes that see each other by their numbers: those of one PID namespace (a container has its own) in
 * one run of one machine. Where the system tells no run, the name of the machine counts.
 */
export function processSpace(): string {
  if (space === undefined) {
    const machine = orEmpty(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")) || hostname();
    const namespace = orEmpty(() => readlinkSync("/proc/self/ns/pid"));
    space = createHash("sha256").update(`${machine}\n${namespace}`).digest("hex").slice(0, 8);
  }
  return space;
}

function orEmpty(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return ""; // there is no such file outside of Linux, and in some sandboxes
  }
}
