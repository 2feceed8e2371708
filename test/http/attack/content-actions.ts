import { bytesOf, type Chance } from "./chance.js";
import type { Client } from "./client.js";
import { type Ledger, must, type Published, sha256Of } from "./model.js";
import type { Running } from "./servers.js";
import { asked, bucket, jsonOf } from "./upload-protocols.js";
import { type Manner, pipelineOf, Wire, type WireAnswer, type WireRequest } from "./wire.js";

/** A version and its content. */
export interface Kept {
  readonly artifact: Published;
  readonly content: Buffer;
}

/** A key whose content is not known: it has one of `contents`, or does not exist. */
export interface UnknownKey {
  readonly key: string;
  readonly contents: Buffer[];
}

const infoPath = (key: string): string => `/v1/artifacts/${bucket}/${key}`;
const contentPath = (key: string): string => `/v1/content/${bucket}/${key}`;
const sizes = [10, 5_000, 50_000, 400_000, 2_000_000];

function someBytes(client: Client, most = client.chance.pick(sizes)): Buffer {
  return bytesOf(client.label("bytes"), client.chance.below(most) + 1);
}

/** Saves content of any length under a new key in one request. */
export async function save(client: Client, ledger: Ledger): Promise<Kept | UnknownKey> {
  const { chance } = client;
  const key = client.label("save");
  const content = someBytes(client);
  const isCut = chance.percent(25);
  const after = chance.percent(30) ? content.length : chance.below(content.length);
  const kind = chance.pick(["plain", "slow", "chunked", "expecting"] as const);
  const manner: Manner = isCut ? { kind: "cut", after, isReset: chance.percent(50) } : { kind };
  const server = await client.server();
  const answer = await client.ask(server, asked(chance.pick(["PUT", "POST"]), contentPath(key), content), manner);
  const isKept = answer?.status === 201 || answer?.status === 200;
  must(
    answer === undefined || isKept || (isCut && answer.status < 500),
    `a save was refused: ${answer?.status} ${answer?.body}`,
  );
  if (answer === undefined || !isKept) return { key, contents: isCut && after < content.length ? [] : [content] };
  const artifact = jsonOf(answer) as unknown as Published;
  must(artifact.sha256 === sha256Of(content) && artifact.version === 1, `saved something else: ${answer.body}`);
  ledger.record(artifact);
  return { artifact, content };
}

/** Copies a version under a new key. */
export async function copy(client: Client, { artifact, content }: Kept, ledger: Ledger): Promise<Kept | UnknownKey> {
  const key = client.label("copy");
  const wanted = { bucket, key: artifact.key, version: artifact.version, to_key: key };
  const server = await client.server();
  const answer = await client.ask(server, asked("POST", "/v1/copies", Buffer.from(JSON.stringify(wanted))));
  if (answer === undefined) return { key, contents: [content] };
  const copied = jsonOf(answer) as unknown as Published;
  const isSame = answer.status === 201 && copied.sha256 === artifact.sha256 && copied.version === 1;
  must(isSame, `a copy of ${artifact.key} was answered ${answer.status}: ${answer.body}`);
  ledger.record(copied);
  return { artifact: copied, content };
}

/** Changes the metadata of a key in place. Its content must stay the same. */
export async function update(client: Client, { artifact }: Kept): Promise<void> {
  const metadata = { label: client.label("update") };
  const body = Buffer.from(JSON.stringify({ metadata }));
  const answer = await client.ask(await client.server(), asked("PATCH", infoPath(artifact.key), body));
  if (answer === undefined) return;
  const updated = jsonOf(answer) as unknown as Published & { readonly metadata?: typeof metadata };
  const isSame = updated.version > artifact.version || updated.sha256 === artifact.sha256;
  const isUpdated = answer.status === 200 && updated.metadata?.label === metadata.label;
  must(isUpdated && isSame, `an update of ${artifact.key} was answered ${answer.status}: ${answer.body}`);
}

/** Checks that content without an acknowledgement is stored completely or not at all. */
export async function checkUnknown(client: Client, { key, contents }: UnknownKey): Promise<void> {
  const answer = await client.ask(await client.server(), asked("GET", contentPath(key)));
  if (answer === undefined || answer.status === 404) return;
  const isOne = answer.status === 200 && contents.some((content) => content.equals(answer.body));
  must(isOne, `${key} holds ${answer.body.length} bytes that no client has saved (${answer.status})`);
}

/** Reads a version or a part of it, sometimes slowly, and sometimes disconnects before the end. */
export async function read(client: Client, { artifact, content }: Kept): Promise<void> {
  const { chance } = client;
  const server = await client.server();
  const path = `${contentPath(artifact.key)}?version=${artifact.version}`;
  const isSlow = content.length > 100_000 && chance.percent(30);
  if (isSlow) return readSlowly(client, server, asked("GET", path), content);
  if (content.length > 0 && chance.percent(40)) return readPart(client, server, path, content);
  const request = chance.percent(50) ? asked("GET", path) : await signed(client, server, artifact);
  const answer = request && (await client.ask(server, request));
  if (answer !== undefined) expectContent(answer, 200, content);
}

/** Reads a version of which only the digest is known, and checks it. */
export async function expectVersion(client: Client, { key, version, bytes, sha256 }: Published): Promise<void> {
  const answer = await client.ask(await client.server(), asked("GET", `${contentPath(key)}?version=${version}`));
  const isThere = answer?.status === 200 && answer.body.length === bytes && sha256Of(answer.body) === sha256;
  must(isThere, `${key} version ${version} is answered ${answer?.status}, and is not what was published`);
}

/** Returns a request without the token to the download URL in the artifact's description. */
async function signed(client: Client, server: Running, artifact: Published): Promise<WireRequest | undefined> {
  const info = await client.ask(server, asked("GET", `${infoPath(artifact.key)}?version=${artifact.version}`));
  if (info === undefined) return undefined;
  must(info.status === 200, `${artifact.key} has no record: ${info.status} ${info.body}`);
  const { sha256, url } = jsonOf(info) as { sha256?: string; url?: string };
  must(sha256 === artifact.sha256 && url !== undefined, `another record: ${info.body}`);
  const { pathname, search } = new URL(url);
  return { method: "GET", path: pathname + search, headers: {}, body: Buffer.alloc(0) };
}

async function readPart(client: Client, server: Running, path: string, content: Buffer): Promise<void> {
  const start = client.chance.below(content.length);
  const end = client.chance.between(start + 1, content.length);
  const range = { range: `bytes=${start}-${end - 1}` };
  const answer = await client.ask(server, asked("GET", path, Buffer.alloc(0), range));
  if (answer !== undefined) expectContent(answer, 206, content.subarray(start, end));
}

async function readSlowly(client: Client, server: Running, request: WireRequest, content: Buffer): Promise<void> {
  const { chance } = client;
  const wire = new Wire(server.port);
  try {
    await wire.send(pipelineOf([request]));
    wire.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, chance.below(100)));
    if (chance.percent(40)) return; // disconnects without reading more
    wire.socket.resume();
    const answer = client.accept(server, await wire.answer("GET"));
    if (answer !== undefined) expectContent(answer, 200, content);
  } finally {
    wire.destroy();
  }
}

function expectContent(answer: WireAnswer, status: number, content: Buffer): void {
  must(answer.status === status, `content was answered ${answer.status}: ${answer.body.subarray(0, 300)}`);
  must(
    answer.body.equals(content),
    `${answer.body.length} bytes were read that are not the ${content.length} published`,
  );
}

interface Step {
  readonly request: WireRequest;
  /** The content of the key after this step. */
  readonly after: Buffer | undefined;
  check(answer: WireAnswer): void;
}

/** Saves, reads and deletes one key with pipelined requests. Each must see the results of those before it. */
export async function pipeline(client: Client): Promise<UnknownKey> {
  const { chance } = client;
  const key = client.label("pipe");
  const steps: Step[] = [];
  for (let n = chance.between(2, 12); n > 0; n -= 1) steps.push(nextStep(client, key, steps.at(-1)?.after));
  const server = await client.server();
  const wire = new Wire(server.port);
  const isCut = chance.percent(25);
  const answers: number[] = [];
  try {
    const sent = pipelineOf(steps.map(({ request }) => request));
    const part = isCut ? sent.subarray(0, chance.below(sent.length)) : sent;
    const sending = chance.percent(50) ? wire.send(part) : wire.dribble(part, chance);
    if (isCut && chance.percent(50)) {
      await sending;
      wire.destroy();
    } else if (isCut) {
      sending.then(
        () => wire.socket.end(),
        () => undefined,
      );
    }
    for (const { request, check } of steps) {
      const heard = await wire.answer(request.method);
      const answer = client.accept(server, heard, isCut);
      if (answer === undefined) break;
      if (isCut && answer.status === 400) break; // the last request was broken off
      answers.push(answer.status);
      client.note(`pipelined ${request.method} ${request.path}\n    ${answer.status} ${answer.body.subarray(0, 100)}`);
      check(answer);
    }
    await sending;
  } finally {
    wire.destroy();
  }
  const isWhole = answers.length === steps.length;
  const last = steps[answers.length - 1]?.after;
  if (isWhole) await expectNow(client, key, last);
  return { key, contents: steps.flatMap(({ after }) => (after === undefined ? [] : [after])) };
}

function nextStep(client: Client, key: string, now: Buffer | undefined): Step {
  const way = client.chance.below(6);
  if (way < 2) {
    const content = someBytes(client, client.chance.pick([20, 3_000, 300_000]));
    const check = ({ status, body }: WireAnswer): void =>
      must(status === 200 || status === 201, `a save in a pipeline was answered ${status}: ${body}`);
    return { request: asked("PUT", contentPath(key), content), after: content, check };
  }
  if (way === 2) {
    const wanted = now === undefined ? 404 : 200;
    const check = ({ status }: WireAnswer): void =>
      must(status === wanted, `a deletion in a pipeline was answered ${status}, not ${wanted}`);
    return { request: asked("DELETE", infoPath(key)), after: undefined, check };
  }
  return {
    request: asked(way === 3 ? "HEAD" : "GET", contentPath(key)),
    after: now,
    check({ status, headers, body }) {
      const is = `a read in a pipeline was answered ${status}, and ${now?.length ?? "no"} bytes are there`;
      must(status === (now === undefined ? 404 : 200), is);
      if (now === undefined) return;
      must(way === 3 ? headers["content-length"] === String(now.length) : body.equals(now), is);
    },
  };
}

async function expectNow(client: Client, key: string, content: Buffer | undefined): Promise<void> {
  const answer = await client.ask(await client.server(), asked("GET", contentPath(key)));
  if (answer === undefined) return;
  if (content === undefined) must(answer.status === 404, `${key} was deleted, and is answered ${answer.status}`);
  else expectContent(answer, 200, content);
}

/** Opens connections that request much and read nothing, or stops in the middle of a request, and then disconnects. */
export async function stall(client: Client, kept: Kept): Promise<void> {
  const { chance } = client;
  const server = await client.server();
  const get = asked("GET", `${contentPath(kept.artifact.key)}?version=${kept.artifact.version}`);
  const half = Buffer.concat([
    pipelineOf([asked("PUT", contentPath(client.label("never")))]).subarray(0, -"content-length: 0\r\n\r\n".length),
    Buffer.from("content-length: 1000000\r\n\r\n"),
    bytesOf("half", 1_000),
  ]);
  const silent = [pipelineOf(Array.from({ length: chance.between(1, 30) }, () => get)), half, Buffer.from("GET / HT")];
  const wires = Array.from({ length: chance.between(5, 15) }, () => new Wire(server.port));
  for (const wire of wires) {
    if (!(await wire.connected())) continue;
    wire.socket.pause();
    wire.socket.write(chance.pick(silent));
  }
  await new Promise((resolve) => setTimeout(resolve, chance.below(100)));
  const answer = await client.ask(server, asked("GET", "/readyz"));
  must(answer === undefined || answer.status === 200, `not ready: ${answer?.body}`);
  for (const wire of wires) {
    if (chance.percent(50)) wire.destroy();
    else wire.socket.resetAndDestroy();
  }
}

const strange = [
  "transfer-encoding: gzip, chunked",
  "content-length: 5",
  "content-length: x",
  "host: evil.example",
  "range: bytes=9-",
  "expect: 200-maybe",
  "upload-offset: 99999999999999999999",
  "upload-complete: ?2",
  "content-encoding: gzip",
  "tus-resumable: 9",
  "if-match: x",
  "if-none-match: *",
  "origin: null",
  "connection: close",
  "connection: upgrade",
  "upload-length: 0",
  "upload-metadata: a,b c d",
  "content-digest: sha-256=:AAAA:",
  "x: \x01",
  " folded",
  "no colon",
];

/** Sends malformed requests to paths that no other action uses. */
export async function sendBroken(client: Client): Promise<void> {
  const { chance } = client;
  const server = await client.server();
  const key = client.label("sendBroken");
  const created = await client.ask(
    server,
    asked("POST", "/v1/artifacts", Buffer.from(JSON.stringify({ bucket, key }))),
  );
  if (created === undefined) return;
  const { pathname } = new URL(String(jsonOf(created)["url"]));
  const body = bytesOf(key, chance.below(3_000));
  const partial = { "upload-offset": "0", "upload-complete": "?1", "content-type": "application/partial-upload" };
  const sound = [
    asked("PUT", pathname, body),
    asked("PATCH", pathname, body, partial),
    asked("HEAD", pathname),
    asked("PUT", contentPath(key), body),
    asked("GET", contentPath(key)),
    asked("POST", "/mcp", Buffer.from("{}")),
    asked("PATCH", infoPath(key), Buffer.from('{"metadata":{"a":"b"}}')),
    asked("POST", "/v1/copies", Buffer.from(JSON.stringify({ bucket, key, to_key: `${key}-copy` }))),
    asked("GET", "/v1/search?query=sendBroken&metadata[a]=b&created_after=2026-01-01&limit=3"),
    asked("GET", `/v1/describe/${bucket}/${key}?version=1`),
    asked("GET", `/v1/rows/${bucket}/${key}?columns=a&columns=b&rows=-3`, undefined, { accept: "text/csv" }),
    asked("GET", `/v1/compare?bucket=${bucket}&key=${key}&to_key=other`),
    asked("GET", `/v1/sessions?bucket=${bucket}&all=true&limit=2`),
    asked("DELETE", `/v1/artifacts/${bucket}?prefix=${key}&confirm=x`),
    asked("PATCH", pathname, body, { "tus-resumable": "1.0.0", "upload-offset": "0" }),
  ];
  for (let n = 0; n < 8; n += 1) {
    const text = Buffer.from(mutated(pipelineOf([chance.pick(sound)]).toString("latin1"), chance), "latin1");
    const heard = await answersTo(server, text);
    const isCoded = /transfer-encoding: (?!chunked\r)/i.test(text.toString("latin1"));
    const statuses = [...heard.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
    client.note(`sent broken ${JSON.stringify(text.subarray(0, 400).toString("latin1"))}\n    ${statuses.join(" ")}`);
    for (const status of statuses) {
      const isExpected = status < 500 || (status === 503 && server.isEnding) || (status === 501 && isCoded);
      must(isExpected, `a broken request was answered ${status}: ${heard.slice(0, 500)}`);
    }
  }
}

/** Returns the text of a request with one to three changes. */
function mutated(text: string, chance: Chance): string {
  let now = text;
  for (let n = chance.between(1, 3); n > 0; n -= 1) {
    const lines = now.split("\r\n");
    const at = chance.below(Math.min(lines.length, 9));
    const [place, way] = [chance.below(now.length), chance.below(6)];
    if (way === 0) now = [...lines.slice(0, at), ...lines.slice(at + 1)].join("\r\n");
    else if (way === 1) now = [...lines.slice(0, at), lines[at], ...lines.slice(at)].join("\r\n");
    else if (way === 2) now = [...lines.slice(0, 1), chance.pick(strange), ...lines.slice(1)].join("\r\n");
    else if (way === 3) now = now.slice(0, place) + String.fromCharCode(chance.below(256)) + now.slice(place + 1);
    else if (way === 4) now = now.slice(0, place);
    else now = now.replace(/^\w+ /, `${chance.pick(["get", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", ""])} `);
  }
  return now;
}

/** Returns all that the server sends until it closes the connection. */
async function answersTo(server: Running, sent: Buffer): Promise<string> {
  const wire = new Wire(server.port);
  try {
    await wire.send(sent);
    wire.socket.end();
    return await wire.everything();
  } finally {
    wire.destroy();
  }
}
