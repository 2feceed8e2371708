import { createHash, randomBytes, randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DigestThread } from "../../src/engines/digest-thread.js";
import { type Digests, plainDigests } from "../../src/store/ports/digests.js";
import { silentLog } from "../support/silent-log.js";

const MiB = 1024 * 1024;
/** Enough for a thread, whatever comes of them. */
const many = 1024 * MiB;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The digest of `bytes`, given piece by piece in a buffer that is used again. */
async function digestOf(digests: Digests, bytes: Uint8Array, mostBytes: number): Promise<string> {
  const digest = await digests.begin(many);
  const buffer = Buffer.alloc(mostBytes);
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + randomInt(1, mostBytes + 1));
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
  it("are those of the bytes as they were when they were given", async () => {
    const digests = open();
    for (const [length, mostBytes] of [
      [0, 1],
      [1, 1],
      [100_000, 7_000],
      [6 * MiB + 3, 700_000],
      [9 * MiB, 5 * MiB],
    ] as const) {
      const bytes = randomBytes(length);
      expect(await digestOf(digests, bytes, mostBytes)).toBe(sha256(bytes));
    }
  });

  it("do not mix, be they dropped or ended", async () => {
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

describe("the thread", () => {
  function openWith(program: string) {
    const events: string[] = [];
    return { digests: new DigestThread((_level, event) => void events.push(event), program), events };
  }
  const bytes = randomBytes(3 * MiB);

  it("is not started for what is small", async () => {
    const { digests, events } = openWith("throw new Error('it was')");
    const digest = await digests.begin(MiB);
    await digest.update(bytes);
    expect(await digest.hex()).toBe(sha256(bytes));
    expect(events).toEqual([]);
  });

  it("is done without where it does not start", async () => {
    const { digests, events } = openWith("throw new Error('no thread')");
    expect(await digestOf(digests, bytes, MiB)).toBe(sha256(bytes));
    expect(events).toEqual(["digest_thread_ended"]);
  });

  it("is done without, and looked for again, where the system refuses it at once", async () => {
    const { digests, events } = openWith(5 as unknown as string); // as it does where there are too many: it throws
    for (const times of [1, 2]) {
      expect(await digestOf(digests, bytes, MiB)).toBe(sha256(bytes));
      expect(events).toEqual(Array(times).fill("digest_thread_not_started"));
    }
  });

  it("that dies fails what it was at, and another takes its place", async () => {
    const { digests, events } = openWith(`
      const { parentPort } = require("node:worker_threads");
      parentPort.on("message", ({ kind }) => (kind === "end" ? process.exit(3) : parentPort.postMessage("")));
      parentPort.postMessage("started");`);
    for (const times of [1, 2]) {
      const digest = await digests.begin(many);
      await digest.update(bytes);
      const answers = await Promise.allSettled([digest.hex(), digest.hex()]);
      expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      await digest.update(bytes);
      await expect(digest.hex()).rejects.toThrow("has ended with 3");
      digest.close();
      expect(events).toHaveLength(times);
    }
  });
});
