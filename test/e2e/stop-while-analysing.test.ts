import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../support/directories.js";
import { initialize, spawnRaw, toolCall } from "../support/server-process.js";

const at = { bucket: "b", key: "a.txt" };

it.each([["the end of stdin"], ["SIGTERM"]])("an analysis is ended by %s, and not by its own limit", async (how) => {
  const root = join(await temporaryDirectory(), "store");
  const server = spawnRaw(["--root", root]);
  server.send(initialize, toolCall(1, "save_artifact", { ...at, content: `${"a".repeat(60)}!` }));
  await server.answer(1);
  // Without an end, so that its own limit stops it after 12 seconds, with another answer. Two run, one waits.
  const endless = { ...at, find: "^(a+)+$", regex: true };
  server.send(...[2, 3, 4].map((id) => toolCall(id, "read_artifact", endless)));
  server.send(toolCall(5, "list_buckets", {}));
  await server.answer(5); // what was sent before has begun
  if (how === "SIGTERM") server.child.kill("SIGTERM");
  else server.child.stdin.end();
  for (const id of [2, 3, 4]) {
    const { result } = await server.answer(id);
    expect(JSON.stringify(result)).toContain("The server is stopping");
  }
  expect(await server.exited).toBe(0);
  expect(server.stderr()).toMatch(/\bstopped\b/);
});
