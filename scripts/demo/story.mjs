// The steps of the demo, each with the checks that prove what it prints.
import { createHash } from "node:crypto";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { number } from "./screen.mjs";

const base64ChunkBytes = 256 * 1024;
const textChunkBytes = 24_000;
const pieceBytes = 1024 * 1024;

/**
 * @typedef {import("./screen.mjs").Screen} Screen
 * @typedef {import("./servers.mjs").Server} Server
 * @typedef {{ bucket: string, key: string, version: number, mime_type: string, bytes: number, sha256: string, uri: string }} Artifact
 * @typedef {{ id: string, offset: number, status: string, mime_type: string, artifact?: Artifact }} Session
 * @typedef {{ bucket: string, key: string, name: string, content: Buffer, sha256: string }} Source
 * @typedef {object} Stage
 * @property {Screen} screen
 * @property {{ start: () => Promise<Server> }} servers
 * @property {string} main the built server
 * @property {string} data folder with the files to upload
 * @property {string} root the servers' data directory
 * @property {boolean} isCorrupted
 */

/** @param {Stage} stage */
export async function play(stage) {
  const { screen } = stage;
  const flights = await load(stage.data, "flights", "flights-3m.parquet");
  const strikes = await load(stage.data, "wildlife", "faa/birdstrikes.csv");

  screen.title("artifacts-mcp: keep what an agent made, also when its session dies.");
  const first = await startFirst(stage);
  const half = await uploadHalf(screen, first, flights);
  const acknowledged = await killMidChunk(screen, first, half, flights);
  const second = await startSecond(stage);
  const artifact = await carryOn(screen, second, { id: half.id, acknowledged }, flights);
  if (stage.isCorrupted) await flipStoredByte(screen, stage.root);
  await compareFlights(screen, second, artifact, flights);
  await uploadText(screen, second, strikes);
  await lookAround(screen, second, strikes);
  await second.close();
  showHostConfiguration(screen, stage.main);
}

/** @param {string} data @param {string} bucket @param {string} key @returns {Promise<Source>} */
async function load(data, bucket, key) {
  const name = basename(key);
  const content = await readFile(join(data, name));
  return { bucket, key, name, content, sha256: sha256(content) };
}

/** @param {Stage} stage */
async function startFirst({ screen, servers, root }) {
  screen.heading("Start a server");
  const server = await servers.start();
  const { tools } = await server.client.listTools();
  screen.line(`process ${server.pid} speaks MCP over stdio and offers ${tools.length} tools`);
  screen.line(`its data is in ${root}, for as long as this demo runs`);
  return server;
}

/** @param {Screen} screen @param {Server} server @param {Source} source @returns {Promise<Session>} */
async function uploadHalf(screen, server, { bucket, key, name, content, sha256 }) {
  const size = content.length;
  screen.heading(`Upload ${name}: 3 million flights, ${number(size)} bytes, in chunks of 256 KiB`);
  /** @type {Session} */
  const session = await server.call("create_upload_session", { bucket, key, size, sha256 });
  screen.line(`create_upload_session -> id ${session.id}, offset ${session.offset}, ${session.mime_type}`);
  return send(server, session, content, base64Chunk, { until: size / 2, onOffset: screen.progress(0, size) });
}

/**
 * Kills the server while it receives a chunk, and returns the offset that was acknowledged. The request is longer than
 * a pipe holds, so once it is sent, the server has read at least a part of it. Whether the server counts the chunk before
 * it dies is a race.
 *
 * @param {Screen} screen @param {Server} server @param {Session} session @param {Source} source @returns {Promise<number>}
 */
async function killMidChunk(screen, server, { id, offset }, { content }) {
  screen.heading("Kill the server in the middle of a chunk");
  const inFlight = server.call("upload_chunk", { session_id: id, offset, ...base64Chunk(content, offset) }).then(
    (answer) => ({ acknowledged: answer.offset, end: "was still answered" }),
    (error) => ({ acknowledged: offset, end: `failed: ${error.message}` }),
  );
  await server.sent();
  await server.kill();
  screen.line(`kill -9 ${server.pid}`, "red");
  const { acknowledged, end } = await inFlight;
  screen.line(`the upload_chunk under way at offset ${number(offset)} ${end}`);
  return acknowledged;
}

/** @param {Stage} stage */
async function startSecond({ screen, servers }) {
  screen.heading("Start another server, and carry on");
  const server = await servers.start();
  screen.line(`process ${server.pid}, on the same directory`);
  return server;
}

/** @param {Screen} screen @param {Server} server @param {{ id: string, acknowledged: number }} half @param {Source} source */
async function carryOn(screen, server, { id, acknowledged }, { content, sha256 }) {
  const buckets = await server.call("list_buckets", {});
  check(buckets.data.length === 0, "a bucket is listed although no upload is complete");
  screen.line("list_buckets -> none: nothing is published half");
  /** @type {Session} */
  const found = await server.call("get_upload_session", { session_id: id });
  check(found.offset >= acknowledged, `offset ${found.offset} is below ${acknowledged}, which was acknowledged`);
  const more = found.offset > acknowledged ? ", and the chunk under way too" : "";
  screen.line(`get_upload_session -> offset ${number(found.offset)}, ${found.status}`, "green");
  screen.line(`every acknowledged byte is there${more}; the upload continues from there`);
  const onOffset = screen.progress(found.offset, content.length);
  const done = await send(server, found, content, base64Chunk, { until: content.length, onOffset });
  return published(screen, "the last upload_chunk", done, sha256);
}

/** @param {Screen} screen @param {Server} server @param {Artifact} artifact @param {Source} source */
async function compareFlights(screen, server, artifact, source) {
  screen.heading("Read it back, and compare every byte");
  const pieces = [];
  for (let offset = 0; offset < artifact.bytes; ) {
    const place = { bucket: artifact.bucket, key: artifact.key, offset, length: pieceBytes };
    const { content, _meta } = await server.call("read_artifact", { ...place, encoding: "base64" });
    pieces.push(Buffer.from(content[1].text, "base64"));
    const next = _meta.next_offset ?? artifact.bytes;
    check(next > offset, `read_artifact does not go on from offset ${offset}`);
    offset = next;
  }
  screen.line(`read_artifact -> ${pieces.length} pieces of up to 1 MiB, as base64`);
  compare(screen, source, artifact, Buffer.concat(pieces));
}

/** @param {Screen} screen @param {Server} server @param {Source} source */
async function uploadText(screen, server, source) {
  const { bucket, key, name, content } = source;
  screen.heading(`Upload ${name} as an agent writes: plain text, size not known`);
  /** @type {Session} */
  const session = await server.call("create_upload_session", { bucket, key });
  check(session.mime_type === "text/csv", `the type of ${key} was told as ${session.mime_type}`);
  screen.line(`create_upload_session -> ${session.mime_type}, told from the extension`);
  const onOffset = screen.progress(0, content.length);
  await send(server, session, content, textChunk, { until: content.length, onOffset });
  const done = await server.call("complete_upload_session", { session_id: session.id });
  const artifact = published(screen, "complete_upload_session", done, source.sha256);
  const { contents } = await server.client.readResource({ uri: artifact.uri });
  const [stored] = /** @type {{ text: string }[]} */ (contents);
  screen.line("resources/read -> the whole of it, as text");
  compare(screen, source, artifact, Buffer.from(stored?.text ?? "", "utf8"));
}

/** @param {Screen} screen @param {Server} server @param {Source} csv */
async function lookAround(screen, server, { bucket, key }) {
  screen.heading("Look at what is there");
  const buckets = await server.call("list_buckets", {});
  const names = buckets.data.map((/** @type {{ name: string }} */ { name }) => name);
  screen.line(`list_buckets -> ${names.join(", ")}`);
  for (const name of names) {
    const { data } = await server.call("list_artifacts", { bucket: name });
    screen.line(`list_artifacts ${name}`);
    for (const artifact of data) screen.quote(describe(artifact));
  }
  const { resources } = await server.client.listResources();
  screen.line("resources/list");
  for (const { uri, mimeType, size } of resources) {
    screen.quote(`${uri}  ${mimeType}${size === undefined ? "" : `, ${number(size)} bytes`}`);
  }
  const page = await server.call("read_artifact", { bucket, key });
  const [where, text] = page.content.map((/** @type {{ text: string }} */ block) => block.text);
  screen.line(`read_artifact ${bucket} ${key}`);
  for (const line of text.split("\n").slice(0, 4)) screen.quote(line);
  screen.quote("...");
  screen.line(where.split(" Next page:")[0]);
}

/** @param {Screen} screen @param {string} main */
function showHostConfiguration(screen, main) {
  screen.heading("Connect your host");
  screen.line("node dist/main.js setup HOST --write puts it into the configuration of a host: claude-desktop,");
  screen.line("claude-code, cursor, vscode, codex, gemini, opencode, qwen, copilot or zed. By hand, for most of them:");
  screen.block(`{
  "mcpServers": {
    "artifacts": { "command": "node", "args": [${JSON.stringify(main)}] }
  }
}`);
}

/**
 * Sends chunks from the session's offset on. Each chunk goes to the offset of the answer before.
 *
 * @param {Server} server @param {Session} session @param {Buffer} content
 * @param {(content: Buffer, offset: number) => { data: string, encoding: string }} chunkAt
 * @param {{ until: number, onOffset: (offset: number) => void }} how
 */
async function send(server, session, content, chunkAt, { until, onOffset }) {
  let now = session;
  while (now.status === "open" && now.offset < until) {
    const { offset } = now;
    now = await server.call("upload_chunk", { session_id: session.id, offset, ...chunkAt(content, offset) });
    check(now.offset > offset, `a chunk at offset ${offset} was accepted, and the offset is ${now.offset}`);
    onOffset(now.offset);
  }
  return now;
}

/** @param {Buffer} content @param {number} offset */
function base64Chunk(content, offset) {
  return { data: content.subarray(offset, offset + base64ChunkBytes).toString("base64"), encoding: "base64" };
}

/** @param {Buffer} content @param {number} offset */
function textChunk(content, offset) {
  let end = Math.min(offset + textChunkBytes, content.length);
  // A byte 10xxxxxx is inside a character: do not cut there.
  while (((content[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return { data: content.subarray(offset, end).toString("utf8"), encoding: "utf8" };
}

/** @param {Screen} screen @param {string} answer @param {Session} session @param {string} digest @returns {Artifact} */
function published(screen, answer, { status, artifact }, digest) {
  check(status === "complete", `the upload should be complete, and its status is ${status}`);
  if (!artifact) throw new Error(`${answer} says complete, and carries no artifact`);
  check(artifact.sha256 === digest, `the artifact's sha256 is ${artifact.sha256}, and the source's is ${digest}`);
  screen.line(`${answer} -> complete, with its artifact:`);
  screen.quote(describe(artifact));
  return artifact;
}

/** @param {Artifact} artifact */
function describe({ uri, version, mime_type, bytes }) {
  return `${uri}  version ${version}, ${mime_type}, ${number(bytes)} bytes`;
}

/** @param {Screen} screen @param {Source} source @param {Artifact} artifact @param {Buffer} stored */
function compare(screen, source, artifact, stored) {
  const digest = sha256(stored);
  screen.table([
    ["sha256 of the source file", source.sha256],
    ["sha256 of the artifact", artifact.sha256],
    ["sha256 of what was read", digest],
  ]);
  const { content, name } = source;
  check(stored.equals(content), `${name} read back is not the source: ${difference(content, stored)}`);
  check(digest === source.sha256 && digest === artifact.sha256, `the digests of ${name} differ`);
  screen.line(`all ${number(stored.length)} bytes are identical`, "green");
}

/** @param {Buffer} source @param {Buffer} stored */
function difference(source, stored) {
  if (stored.length !== source.length) return `${number(stored.length)} bytes instead of ${number(source.length)}`;
  const count = source.reduce((sum, byte, at) => (byte === stored[at] ? sum : sum + 1), 0);
  const first = source.findIndex((byte, at) => byte !== stored[at]);
  return `${count === 1 ? "1 byte differs" : `${number(count)} bytes differ`}, the first at offset ${number(first)}`;
}

/** Changes one byte of the largest stored piece, as a bad disk would. @param {Screen} screen @param {string} root */
async function flipStoredByte(screen, root) {
  const folder = join(root, "content");
  const entries = await readdir(folder, { recursive: true });
  const files = await Promise.all(
    entries.map(async (entry) => ({ path: join(folder, entry), found: await stat(join(folder, entry)) })),
  );
  const [largest] = files.filter(({ found }) => found.isFile()).sort((a, b) => b.found.size - a.found.size);
  if (largest === undefined) throw new Error("ARTIFACTS_DEMO_CORRUPT: there is no stored file");
  const file = await open(largest.path, "r+");
  const at = Math.floor(largest.found.size / 2);
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([~(buffer[0] ?? 0) & 0xff]), 0, 1, at);
  await file.close();
  screen.line(`ARTIFACTS_DEMO_CORRUPT: the byte at offset ${number(at)} of a stored file was changed on disk`, "red");
}

/** @param {Buffer} content */
function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}

/** @param {boolean} holds @param {string} otherwise */
function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}
