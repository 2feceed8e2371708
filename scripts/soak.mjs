// Uploads files, and kills the server with kill -9 at random moments. After each kill every acknowledged byte must be
// there, and at the end every digest must be right.
// Usage: node scripts/soak.mjs [rounds] [seed] [--node PATH ...]
//   --node PATH  the Node that runs the servers; several take turns
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkIntegrity, main, nodesInTurn, seededRandom, startServer } from "./harness.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: "string", multiple: true } },
});
const rounds = Number(positionals[0] ?? 200);
const seed = Number(positionals[1] ?? Date.now() % 1_000_000);
const nextNode = nodesInTurn(values.node);
const random = seededRandom(seed);
const totals = { kills: 0, chunks: 0, bytes: 0, lostUnanswered: 0, storedUnanswered: 0 };

/** @param {number} least @param {number} most */
const between = (least, most) => least + Math.floor(random() * (most - least + 1));

/**
 * Uploads from `session.offset` on. Returns the session of the last answer.
 *
 * @param {(name: string, args: Record<string, unknown>) => Promise<any>} call
 * @param {Buffer} content
 * @param {any} session
 * @param {{ acknowledged: number, sent: number }} progress
 */
async function carryOn(call, content, session, progress) {
  let now = session;
  while (now.status === "open" && now.offset < content.length) {
    const chunk = content.subarray(now.offset, now.offset + between(1, random() < 0.3 ? 20_000 : 200_000));
    progress.sent = now.offset + chunk.length;
    now = await call("upload_chunk", {
      session_id: now.id,
      offset: now.offset,
      data: chunk.toString("base64"),
      encoding: "base64",
    });
    totals.chunks += 1;
    progress.acknowledged = now.offset;
  }
  return now.status === "complete" ? now : call("complete_upload_session", { session_id: now.id });
}

/** @param {string} root @param {number} round */
async function playRound(root, round) {
  const content = randomBytes(between(1, random() < 0.3 ? 60_000 : 1_500_000));
  const sha256 = createHash("sha256").update(content).digest("hex");
  const key = `round-${round}.bin`;
  const size = random() < 0.7 ? { size: content.length } : {};
  const kills = between(1, 4);
  const progress = { acknowledged: 0, sent: 0 };
  let server = await startServer(root, { node: nextNode() });
  let session = await server.call("create_upload_session", { bucket: "soak", key, ...size });
  for (let killed = 0; session.status !== "complete"; ) {
    const upload = carryOn(server.call, content, session, progress).catch(() => undefined);
    if (killed < kills) {
      await new Promise((resolve) => setTimeout(resolve, random() * 40));
      await server.kill();
      killed += 1;
      totals.kills += 1;
      await upload;
      server = await startServer(root, { node: nextNode() });
      session = await server.call("get_upload_session", { session_id: session.id });
      check(
        session.offset >= progress.acknowledged,
        `offset ${session.offset} is below the acknowledged ${progress.acknowledged}`,
      );
      check(
        session.offset <= Math.max(progress.sent, progress.acknowledged),
        `offset ${session.offset} was never sent`,
      );
      if (progress.sent > progress.acknowledged)
        totals[session.offset > progress.acknowledged ? "storedUnanswered" : "lostUnanswered"] += 1;
      progress.acknowledged = session.offset;
      progress.sent = session.offset;
    } else {
      session = await upload;
      check(session !== undefined, "the last process could not finish the upload");
    }
  }
  check(session.artifact.sha256 === sha256, "the digest of the artifact is not the source's");
  const stored = await readBack(server, key, content.length);
  check(stored.equals(content), "the bytes read back are not the source's");
  totals.bytes += content.length;
  await server.close();
}

/** @param {import("./harness.mjs").Server} server @param {string} key @param {number} bytes */
async function readBack(server, key, bytes) {
  const parts = [];
  for (let offset = 0; offset < bytes; offset += 1_048_576) {
    parts.push(await server.read(`artifact://soak/${key}?offset=${offset}&length=1048576`));
  }
  return Buffer.concat(parts);
}

/** @param {boolean} holds @param {string} what */
function check(holds, what) {
  if (!holds) throw new Error(what);
}

const root = await mkdtemp(join(tmpdir(), "artifacts-mcp-soak-"));
const began = performance.now();
try {
  for (let round = 1; round <= rounds; round += 1) {
    await playRound(root, round).catch((error) => {
      throw new Error(`round ${round} of seed ${seed}: ${error.message}`, { cause: error });
    });
    if (round % 20 === 0) process.stdout.write(`${round} rounds, ${totals.kills} kills\n`);
  }
  const integrity = checkIntegrity(join(root, "metadata.sqlite"));
  check(integrity === "ok", `PRAGMA integrity_check: ${integrity}`);
  const { status, stdout } = spawnSync(process.execPath, [main, "verify", "--root", root], { encoding: "utf8" });
  check(status === 0, `artifacts-mcp verify: ${stdout}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  process.stdout.write(
    `${rounds} rounds in ${seconds} s (seed ${seed}): ${totals.kills} kills, ${totals.chunks} acknowledged chunks, ` +
      `${totals.bytes} bytes; of the chunks under way at a kill, ${totals.storedUnanswered} were stored and ${totals.lostUnanswered} were not. ` +
      `Every acknowledged byte was there, every digest was right, integrity_check says ok; ` +
      `artifacts-mcp verify: ${stdout}`,
  );
} finally {
  await rm(root, { recursive: true, force: true });
}
