import { createHash, randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DigestThread } from "../../../src/engines/threads/digest-thread.js";
import { type Digests, plainDigests } from "../../../src/store/ports/digests.js";
import { temporaryDirectory } from "../../support/directories.js";
import { silentLog } from "../../support/silent-log.js";

const MiB = 1024 * 1024;
/** An announced size that is large enough for the thread, however many bytes follow. */
const many = 1024 * MiB;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Digests `bytes` in pieces of random length. All pieces go through the same buffer. */
async function digestOf(digests: Digests, bytes: Uint8Array, maxPieceBytes: number): Promise<string> {
  const digest = await digests.begin(many);
  const buffer = Buffer.alloc(maxPieceBytes);
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + randomInt(1, maxPieceBytes + 1));
    buffer.set(piece);
    await digest.update(buffer.subarray(0, piece.length));
    buffer.fill(0);
    at += piece.length;
  }
  return digest.hex();
}

describe.each([
  { name: "plain digests", open: () => plainDigests },
  { name: "digests of a thread", open: () => new DigestThread(silentLog) },
])("$name", ({ open }) => {
  it("hex() is the digest of the bytes as they were when update() was called", async () => {
    const digests = open();
    for (const [length, maxPieceBytes] of [
      [0, 1],
      [1, 1],
      [100_000, 7_000],
      [6 * MiB + 3, 700_000],
      [9 * MiB, 5 * MiB],
    ] as const) {
      const bytes = randomBytes(length);
      expect(await digestOf(digests, bytes, maxPieceBytes)).toBe(sha256(bytes));
    }
  });

  it("keeps digests that run at the same time apart, also if some are closed early", async () => {
    const digests = open();
    const contents = Array.from({ length: 20 }, () => randomBytes(randomInt(3 * MiB)));
    const dropped = contents.map(async (bytes) => {
      const digest = await digests.begin(many);
      await digest.update(bytes);
      digest.close();
    });
    const found = await Promise.all(contents.map((bytes) => digestOf(digests, bytes, 300_000)));
    await Promise.all(dropped);
    expect(found).toEqual(contents.map(sha256));
  });
});

describe("DigestThread", () => {
  function openWith(program: string) {
    const events: string[] = [];
    return { digests: new DigestThread((_level, event) => void events.push(event), program), events };
  }
  const programAt = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const bytes = randomBytes(3 * MiB);

  it("starts no thread for small content", async () => {
    const { digests, events } = openWith(programAt("failing-program.mjs"));
    const digest = await digests.begin(MiB);
    await digest.update(bytes);
    expect(await digest.hex()).toBe(sha256(bytes));
    expect(events).toEqual([]);
  });

  it("digests in the calling thread if the program fails at its start", async () => {
    const { digests, events } = openWith(programAt("failing-program.mjs"));
    expect(await digestOf(digests, bytes, MiB)).toBe(sha256(bytes));
    expect(events).toEqual(["digest_thread_ended"]);
  });

  it("digests in the calling thread if the program is missing", async () => {
    const { digests, events } = openWith(join(await temporaryDirectory(), "none.cjs"));
    expect(await digestOf(digests, bytes, MiB)).toBe(sha256(bytes));
    expect(events).toEqual(["digest_thread_ended"]);
  });

  it("digests in the calling thread if the system gives no thread, and asks for one again each time", async () => {
    // `new Worker` throws for this, as it does if there are too many threads.
    const { digests, events } = openWith(5 as unknown as string);
    for (const times of [1, 2]) {
      expect(await digestOf(digests, bytes, MiB)).toBe(sha256(bytes));
      expect(events).toEqual(Array(times).fill("digest_thread_not_started"));
    }
  });

  it("fails the digests of a thread that dies, and starts another thread for the next one", async () => {
    const { digests, events } = openWith(programAt("dying-program.mjs"));
    for (const times of [1, 2]) {
      const digest = await digests.begin(many);
      await digest.update(bytes);
      const answers = await Promise.allSettled([digest.hex(), digest.hex()]);
      expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      await digest.update(bytes);
      await expect(digest.hex()).rejects.toThrow("has ended with exit code 3");
      digest.close();
      expect(events).toHaveLength(times);
    }
  });
});
