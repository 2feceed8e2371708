import { basename } from "node:path";

/** Returns the command with which the person has started this program, for messages that tell what to run. */
export function startCommand(): string {
  const script = process.argv[1] ?? "";
  return basename(script) === "artifacts-mcp" ? "artifacts-mcp" : `node ${script}`;
}
