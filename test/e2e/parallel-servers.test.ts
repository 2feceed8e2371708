import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { sha256Of } from "../support/mcp-client.js";
import { patience } from "../support/patience.js";
import { type ServerProcess, startServer } from "../support/server-process.js";

const servers = 100;
const numbers = Array.from({ length: servers }, (_, n) => n);
/** The servers that also save to one key at the same time. */
const isSharer = (number: number): boolean => number % 5 === 0;
const sharers = numbers.filter(isSharer);
const chunkBytes = 100_000;
const chunks = 3;

let place: string;

beforeEach(async () => {
  place = await temporaryDirectory();
});

const chunkOf = (server: number, chunk: number): string =>
  `server ${server}, chunk ${chunk}. `.repeat(chunkBytes).slice(0, chunkBytes);
const uploadOf = (server: number): string =>
  Array.from({ length: chunks }, (_, chunk) => chunkOf(server, chunk)).join("");

/** Saves, uploads in chunks, lists and reads, and expects that nothing fails and each byte comes back. */
async function work(server: ServerProcess, number: number): Promise<void> {
  const call = async (tool: string, args: object) => {
    const answer = await server.call(tool, args);
    expect(answer.error, `${tool} of server ${number}`).toBeUndefined();
    return answer;
  };
  const [bucket, folder] = ["work", `server-${number}`];
  await call("save_artifact", { bucket, key: `${folder}/note.txt`, content: `note of ${number}` });
  if (isSharer(number)) await call("save_artifact", { bucket, key: "shared.txt", content: `written by ${number}` });
  const { id } = await call("create_upload_session", {
    bucket,
    key: `${folder}/upload.txt`,
    size: chunks * chunkBytes,
  });
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    await call("upload_chunk", { session_id: id, offset: chunk * chunkBytes, data: chunkOf(number, chunk) });
  }
  const listed = await call("list_artifacts", { bucket, prefix: `${folder}/` });
  const own = listed["data"] as unknown as readonly {
    readonly key: string;
    readonly sha256: string;
    readonly uri: string;
  }[];
  expect(own.map(({ key }) => key)).toEqual([`${folder}/note.txt`, `${folder}/upload.txt`]);
  for (const [index, content] of [`note of ${number}`, uploadOf(number)].entries()) {
    const { contents } = await server.client.readResource({ uri: own[index]?.uri ?? "" }, patience);
    expect(contents[0]).toMatchObject({ text: content });
  }
}

/** Expects that `verify` finds no fault in a store, and returns what it counts. */
function soundStore(root: string): {
  readonly artifacts: number;
  readonly versions: number;
  readonly unfinished_uploads: number;
} {
  const { status, stdout } = runCommand(["verify", "--json", "--root", root]);
  const report = JSON.parse(stdout);
  expect(report.faults).toEqual([]);
  expect(status).toBe(0);
  return report;
}

it(`${servers} stdio servers at once on one store lose nothing`, async () => {
  const root = join(place, "store");
  const running = await Promise.all(numbers.map(() => startServer(root)));
  await Promise.all(running.map(work));
  const [first] = running;
  const shared = await first?.call("get_artifact", { bucket: "work", key: "shared.txt", versions: servers });
  const versions = (shared?.["versions"] ?? []) as readonly { readonly version: number; readonly sha256: string }[];
  expect(versions.map(({ version }) => version)).toEqual(sharers.map((_, index) => sharers.length - index));
  expect(new Set(versions.map(({ sha256 }) => sha256))).toEqual(
    new Set(sharers.map((n) => sha256Of(`written by ${n}`))),
  );
  await Promise.all(running.map((server) => server.close()));
  expect(soundStore(root)).toMatchObject({
    artifacts: 2 * servers + 1,
    versions: 2 * servers + sharers.length,
    unfinished_uploads: 0,
  });
});

it(`${servers} stdio servers at once on a store each lose nothing`, async () => {
  await mkdir(join(place, "stores"));
  const rootOf = (number: number): string => join(place, "stores", String(number));
  const running = await Promise.all(numbers.map((number) => startServer(rootOf(number))));
  await Promise.all(running.map(work));
  await Promise.all(running.map((server) => server.close()));
  for (const number of numbers.filter((n) => n % 10 < 2)) {
    const artifacts = isSharer(number) ? 3 : 2;
    expect(soundStore(rootOf(number))).toMatchObject({ artifacts, versions: artifacts, unfinished_uploads: 0 });
  }
});
