import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryDirectory } from "../support/directories.js";
import { canStrace, needsStrace, withFailingSync } from "../support/failing-sync.js";
import { sha256Of } from "../support/mcp-client.js";
import { quiet, type ServerProcess, startServer, startServerUnder } from "../support/server-process.js";

/*
 * The disk fails to sync the log of the database. SQLite says that the transaction failed, and no connection sees its
 * changes. But its pages may have reached the log, and then a recovery brings the transaction back. So its outcome is
 * unknown until another transaction has taken its place.
 */

const bucket = "b";
const key = "k";
/** Content of this size is too large for a row. */
const partBytes = 40_000;

interface Upload {
  readonly id: string;
  /** The whole content of the upload. */
  readonly content: Buffer;
  /** The acknowledged bytes. */
  readonly offset: number;
}

interface Operation {
  readonly name: string;
  prepare(server: ServerProcess, root: string): Promise<Upload>;
  /** The call whose sync fails. */
  act(server: ServerProcess, upload: Upload): Promise<{ error?: { code: string } }>;
}

const chunk = ({ id, content }: Upload, offset: number, bytes: number) => ({
  session_id: id,
  offset,
  encoding: "base64",
  data: content.subarray(offset, offset + bytes).toString("base64"),
});

/** Starts an upload and sends chunks of these sizes, through the servers in turn. */
async function startUpload(
  servers: readonly ServerProcess[],
  content: Buffer,
  chunks: readonly number[],
): Promise<Upload> {
  const [first] = servers as [ServerProcess];
  const { id = "" } = await first.call("create_upload_session", { bucket, key, size: content.length });
  const upload = { id, content, offset: 0 };
  let offset = 0;
  for (const [n, bytes] of chunks.entries()) {
    const server = servers[n % servers.length] ?? first;
    const answer = await server.call("upload_chunk", chunk(upload, offset, bytes));
    expect(answer.error).toBeUndefined();
    offset += bytes;
  }
  return { ...upload, offset };
}

const appendOf = (bytes: number): Operation["act"] => {
  return (server, upload) => server.call("upload_chunk", chunk(upload, upload.offset, bytes));
};

const operations: readonly Operation[] = [
  {
    name: "an append to content in a row",
    prepare: (server) => startUpload([server], randomBytes(500), [100]),
    act: appendOf(100),
  },
  {
    name: "an append to a new file",
    prepare: (server) => startUpload([server], randomBytes(3 * partBytes), [100]),
    act: appendOf(partBytes),
  },
  {
    name: "an append to an existing file",
    prepare: (server) => startUpload([server], randomBytes(4 * partBytes), [partBytes, partBytes]),
    act: appendOf(partBytes),
  },
  {
    name: "a copy of 64 files into one",
    async prepare(server, root) {
      const other = await startServer(root);
      const chunks = Array.from({ length: 64 }, () => partBytes);
      const upload = await startUpload([server, other], randomBytes(66 * partBytes), chunks);
      await other.close();
      return upload;
    },
    act: appendOf(partBytes),
  },
  {
    name: "a publication",
    prepare: (server) => startUpload([server], randomBytes(2 * partBytes + 5), [partBytes, partBytes]),
    act: appendOf(partBytes), // the last chunk, which also publishes
  },
];

/** Sends all bytes that are not stored, as a client does after a failure. */
async function carryOn(server: ServerProcess, { id, content, offset }: Upload): Promise<void> {
  let session = await server.call("get_upload_session", { session_id: id });
  expect(session.error).toBeUndefined();
  expect(session["offset"]).toBeGreaterThanOrEqual(offset);
  while (session["status"] === "open") {
    session = await server.call("upload_chunk", chunk({ id, content, offset }, session["offset"] ?? 0, 1_000_000));
    expect(session.error).toBeUndefined();
  }
  expect(session["artifact"]).toMatchObject({ version: 1, bytes: content.length, sha256: sha256Of(content) });
}

function expectSound(root: string): void {
  expect(runCommand(["verify", "--root", root])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^no faults/),
  });
}

const scenes = operations.flatMap((operation) => [true, false].map((isOnce) => ({ ...operation, isOnce })));

describe.skipIf(!canStrace)(`a database log that cannot be synced ${needsStrace}`, () => {
  it.each(scenes)(
    "during $name (once: $isOnce) loses no byte, whichever server continues",
    async ({ prepare, act, isOnce }) => {
      const root = join(await temporaryDirectory(), "store");
      const log = join(root, "metadata.sqlite-wal");
      const server = await startServerUnder(quiet, root);
      const upload = await prepare(server, root);
      const { error } = await withFailingSync(server.pid, log, isOnce, () => act(server, upload));
      // When the disk works again, the change of the append either takes effect or is known never to happen.
      if (!isOnce) expect(error?.code).toBe("internal");
      await carryOn(server, upload);
      await server.kill();
      expectSound(root);
    },
  );

  it.each(scenes)(
    "during $name (once: $isOnce), followed by kill -9, loses no byte",
    async ({ prepare, act, isOnce }) => {
      const root = join(await temporaryDirectory(), "store");
      const log = join(root, "metadata.sqlite-wal");
      const server = await startServerUnder(quiet, root);
      const upload = await prepare(server, root);
      await withFailingSync(server.pid, log, isOnce, async () => {
        await act(server, upload);
        await server.kill();
      });
      expectSound(root);
      const next = await startServer(root);
      await carryOn(next, upload);
      await next.kill();
      expectSound(root);
    },
  );
});
