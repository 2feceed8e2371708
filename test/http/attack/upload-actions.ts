import { bytesOf, type Chance } from "./chance.js";
import type { Client } from "./client.js";
import { type Append, type Attempt, must, type Published, sha256Of, UploadModel, type Verdict } from "./model.js";
import {
  type AppendMessage,
  abortRequest,
  appendRequest,
  completeRequest,
  createRequest,
  isStrict,
  lookRequest,
  type Outcome,
  outcomeOf,
  type Place,
  type Protocol,
  placeOf,
  protocols,
} from "./upload-protocols.js";
import type { Manner } from "./wire.js";

export interface Upload {
  readonly place: Place;
  readonly model: UploadModel;
}

/** Sizes around the limits at which bytes go to a row, go to a piece, or are moved from rows to a piece. */
const sizes = [0, 1, 100, 5_000, 70_000, 300_000, 1_500_000];
const goneCodes = ["session_closed", "gone"];

/** Creates an upload, with or without a size. Returns undefined if there was no answer. */
export async function create(client: Client): Promise<Upload | undefined> {
  const { chance } = client;
  const key = client.label("upload");
  const file = bytesOf(key, chance.below(chance.pick(sizes) + 1) + 1);
  const size = chance.percent(60) ? file.length : null;
  const server = await client.server();
  const way = chance.pick(["json", "tus", "resumable", "mcp"] as const);
  const answer = await client.ask(server, createRequest(way, key, size, await client.mcpSession(server)));
  if (answer === undefined) return undefined;
  must(answer.status === 200 || answer.status === 201, `a session was not created: ${answer.status} ${answer.body}`);
  const place = placeOf(answer);
  return { place, model: new UploadModel(place.id, key, file, size) };
}

interface Sending extends AppendMessage {
  readonly protocol: Protocol;
  readonly isCut: boolean;
  /** No other request of this upload is sent at the same time. */
  readonly isAlone: boolean;
}

/** Sends the next bytes correctly. They must be accepted. */
export async function proceed(client: Client, upload: Upload, isAlone = true): Promise<void> {
  await append(client, upload, { ...next(client.chance, upload, isAlone), isCut: false });
}

/** Sends the next bytes, and breaks off the connection in the middle of them. */
export async function breakOff(client: Client, upload: Upload, isAlone = true): Promise<void> {
  await append(client, upload, { ...next(client.chance, upload, isAlone), isCut: true });
}

function next(chance: Chance, { model }: Upload, isAlone: boolean): Omit<Sending, "isCut"> {
  const { file, least, most } = model;
  const offset = isAlone && model.isExact ? least : chance.between(least, most);
  const left = file.length - offset;
  const length = chance.percent(30) ? left : chance.below(left + 1);
  const protocol = chance.pick(protocols);
  const fills = offset + length === file.length;
  const knowsEnd = fills && protocol !== "mcp" && protocol !== "tus" && chance.percent(50);
  const isBare = protocol === "put" && offset === 0 && fills && chance.percent(50);
  const saysTotal = !isBare && length > 0 && protocol !== "mcp" && protocol !== "resumable" && chance.percent(15);
  return {
    protocol,
    offset,
    bytes: file.subarray(offset, offset + length),
    isStrict: isStrict(protocol),
    isLast: knowsEnd || isBare,
    isBare,
    isDamaged: false,
    isAlone,
    total: saysTotal ? file.length : undefined,
  };
}

/** Sends bytes that are stored already, and perhaps more. Protocols with replays accept them. */
export async function replay(client: Client, upload: Upload): Promise<void> {
  const { chance } = client;
  const { file, least } = upload.model;
  const offset = chance.percent(50) ? 0 : chance.below(least + 1);
  const end = chance.percent(70) ? chance.between(offset, least) : chance.between(least, file.length);
  const protocol = chance.pick(protocols);
  const bytes = file.subarray(offset, end);
  const isBare = protocol === "put" && offset === 0 && end === file.length;
  const about = { protocol, offset, bytes, isStrict: isStrict(protocol), isLast: isBare, isBare, isDamaged: false };
  await append(client, upload, { ...about, isCut: chance.percent(20), isAlone: true });
}

/** Sends an append that must be refused: a gap, other bytes, too many bytes, or a wrong digest. */
export async function cheat(client: Client, upload: Upload): Promise<void> {
  const { chance } = client;
  const { file, least, most, size, isExact } = upload.model;
  const protocol = chance.pick(protocols);
  const usual = { isLast: false, isBare: false, isDamaged: false, isCut: false, isAlone: true };
  const about = { protocol, isStrict: isStrict(protocol), ...usual };
  const way = chance.below(4);
  if (way === 0 && isExact && most + 1 < file.length) {
    const offset = chance.between(most + 1, file.length - 1);
    await append(client, upload, {
      ...about,
      offset,
      bytes: file.subarray(offset, chance.between(offset + 1, file.length)),
    });
  } else if (way === 1 && least > 0) {
    const offset = chance.below(least);
    const bytes = Buffer.from(file.subarray(offset, chance.between(least, file.length)));
    const at = chance.below(least - offset);
    bytes[at] = (bytes[at] ?? 0) ^ chance.between(1, 255);
    await append(client, upload, { ...about, offset, bytes });
  } else if (way === 2 && size !== null) {
    const bytes = Buffer.concat([file.subarray(least), bytesOf("more", chance.between(1, 5_000))]);
    await append(client, upload, { ...about, offset: least, bytes });
  } else if (least < file.length) {
    const bytes = file.subarray(least, chance.between(least + 1, file.length));
    await append(client, upload, { ...about, offset: least, bytes, isDamaged: true });
  }
}

/** Sends a few simultaneous requests for one upload, in any protocols, to both servers. */
export async function race(client: Client, upload: Upload): Promise<void> {
  const { chance } = client;
  const all = Array.from({ length: chance.between(2, 5) }, () => {
    const way = chance.below(10);
    if (way < 5) return proceed(client, upload, false);
    if (way < 7) return breakOff(client, upload, false);
    if (way < 9) return look(client, upload);
    return complete(client, upload, false);
  });
  await Promise.all(all);
  await look(client, upload);
}

async function append(client: Client, upload: Upload, sending: Sending): Promise<void> {
  const { model, place } = upload;
  const { protocol, offset, bytes } = sending;
  const server = await client.server();
  const mcpSession = protocol === "mcp" ? await client.mcpSession(server) : "";
  const verdict = model.verdictOn(sending, sending.isAlone);
  const before = { least: model.least, isExact: model.isExact, status: model.status };
  const request = appendRequest(protocol, place, sending, client.chance, mcpSession);
  const manner = mannerOf(client.chance, request.body.length, sending);
  const isWhole = manner.kind !== "cut" || manner.after === request.body.length;
  const sent = sentBy(manner, request.body.length, sending);
  const isOver = (): boolean => server.isGone;
  const attempt = verdict === "refuse" ? { isOver } : { isOver, ...effectOf(model, sending, sent, isWhole) };
  model.begin(attempt);
  const compare = model.append();
  const answer = await client.ask(server, request, manner);
  const outcome = answer && outcomeOf(answer);
  // The bytes of a body that broke off may be stored after the answer.
  if (outcome === undefined || !(isWhole || outcome.isAccepted)) return model.unanswered(attempt);
  if (outcome.isAccepted) {
    must(verdict !== "refuse" && isWhole, `${protocol} at ${offset} was accepted: ${JSON.stringify(outcome)}`);
    compare(outcome.reported);
    const end = Math.max(before.least, offset + bytes.length);
    const isRight = verdict === "accept" ? outcome.reported.offset === end : outcome.reported.offset >= end;
    must(isRight, `${protocol} up to ${end} was accepted: ${JSON.stringify(outcome)}`);
  } else {
    const isConflict = offset > model.most || isForeign(model, sending);
    checkRefusal(outcome, verdict, { model, before, isConflict });
  }
  model.answered(attempt);
}

/** Returns all changes that an append may make if `sent` bytes of it were sent. */
function effectOf(model: UploadModel, sending: Sending, sent: number, isWhole: boolean): Attempt {
  const { offset, bytes, isLast, total } = sending;
  const maySetSize = isLast || total !== undefined;
  const isSized = model.size !== null || model.may("maySetSize") || maySetSize;
  const mayComplete = isWhole && isSized && offset + bytes.length === model.file.length;
  return { end: offset + sent, maySetSize, mayComplete };
}

interface Context {
  readonly model: UploadModel;
  readonly before: { readonly least: number; readonly isExact: boolean; readonly status: string };
  /** The bytes cannot be appended at any offset that the upload may have. */
  readonly isConflict: boolean;
}

function isForeign({ file, least }: UploadModel, { offset, bytes }: Append): boolean {
  const known = file.subarray(offset, Math.min(offset + bytes.length, least));
  return !known.equals(bytes.subarray(0, known.length));
}

function checkRefusal(outcome: Outcome & { isAccepted: false }, verdict: Verdict, context: Context): void {
  const { model, before, isConflict } = context;
  const is = `it was refused with ${JSON.stringify(outcome)}`;
  must(verdict !== "accept", `${is}, and should have been accepted`);
  const { offset } = outcome;
  if (offset !== undefined && model.status === "open") {
    must(offset >= before.least && offset <= model.most, `${is}: ${before.least} to ${model.most} are there`);
    model.acknowledge(offset);
  }
  if (!isConflict || !before.isExact || before.status !== "open") return;
  must(outcome.code === "offset_conflict" && offset === before.least, `${is}: it stands at ${before.least}`);
}

function mannerOf(chance: Chance, length: number, { isCut, protocol }: Sending): Manner {
  if (isCut) {
    const after = chance.percent(20) ? length : chance.below(length + 1);
    return { kind: "cut", after, isReset: chance.percent(60) };
  }
  const kind = chance.pick(["plain", "plain", "plain", "slow", "chunked", "expecting"] as const);
  return { kind: protocol === "mcp" && kind === "expecting" ? "plain" : kind };
}

/** Returns how many bytes of content the server may have received. */
function sentBy(manner: Manner, length: number, { protocol, bytes }: Sending): number {
  if (manner.kind !== "cut") return bytes.length;
  if (protocol === "mcp") return manner.after < length ? 0 : bytes.length;
  return manner.after;
}

/** Asks one of the servers for the state of the upload, and checks the answer. */
export async function look(client: Client, { model, place }: Upload): Promise<void> {
  const protocol = client.chance.pick(protocols);
  const server = await client.server();
  const mcpSession = protocol === "mcp" ? await client.mcpSession(server) : "";
  const compare = model.look();
  const answer = await client.ask(server, lookRequest(protocol, place, mcpSession));
  if (answer === undefined) return;
  if (isStrict(protocol) && answer.status === 410) {
    must(model.status === "aborted" || model.may("mayAbort"), `upload ${model.id} is gone`);
    model.end("aborted");
    return;
  }
  const outcome = outcomeOf(answer);
  must(outcome.isAccepted, `upload ${model.id} cannot be looked at: ${answer.status} ${answer.body}`);
  compare(outcome.reported);
}

export async function complete(client: Client, { model, place }: Upload, isAlone = true): Promise<void> {
  const server = await client.server();
  const mcpSession = await client.mcpSession(server);
  const verdict = model.verdictOnCompletion(isAlone);
  const attempt: Attempt = verdict === "refuse" ? {} : { mayComplete: true, isOver: () => server.isGone };
  model.begin(attempt);
  const compare = model.append();
  const answer = await client.ask(server, completeRequest(place, client.chance, mcpSession));
  if (answer === undefined) return model.unanswered(attempt);
  const outcome = outcomeOf(answer);
  const is = `upload ${model.id}, to be completed: ${JSON.stringify(outcome)}`;
  if (outcome.isAccepted) {
    must(verdict !== "refuse", is);
    compare(outcome.reported);
  } else {
    must(verdict !== "accept" && ["incomplete", "offset_conflict", ...goneCodes].includes(outcome.code), is);
  }
  model.answered(attempt);
}

export async function abort(client: Client, { model, place }: Upload): Promise<void> {
  if (!model.isExact || model.status !== "open") return;
  const server = await client.server();
  const attempt: Attempt = { mayAbort: true, isOver: () => server.isGone };
  const request = abortRequest(place, client.chance, await client.mcpSession(server));
  model.begin(attempt);
  const answer = await client.ask(server, request);
  if (answer === undefined) return model.unanswered(attempt);
  must(answer.status < 300, `upload ${model.id} was not aborted: ${answer.status} ${answer.body}`);
  model.end("aborted");
  model.answered(attempt);
}

/** Returns the artifact that an upload has published, with its content. */
export function contentOf({ model }: Upload): { readonly artifact: Published; readonly content: Buffer } | undefined {
  const { published, file } = model;
  if (published === undefined) return undefined;
  const content = file.subarray(0, published.bytes);
  must(sha256Of(content) === published.sha256, `upload ${model.id} has published something else`);
  return { artifact: published, content };
}
