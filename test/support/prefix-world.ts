import { createHash } from "node:crypto";
import { expect } from "vitest";
import { createStore, type Store, type StoreOptions } from "../../src/store/store.js";
import { temporaryDirectory } from "./directories.js";
import { type Answered, type Asked, type HttpClient, serveHttp } from "./http-client.js";
import { type Arguments, type Connection, connect, openEngines } from "./mcp-client.js";
import { createMemoryFiles } from "./memory-files.js";
import { neighbours, prefix, secret } from "./neighbours.js";
import { createPlainAnalyses } from "./plain-analyses.js";
import { silentLog } from "./silent-log.js";
import { bytesOf } from "./stores.js";

/** One directory with local files that its servers may reach. */
export const folder = "/work";
/** The time in both worlds, in unix seconds. */
const now = 1_800_000_000;

/** Ids in a fixed order. Two worlds that make the same calls give the same ids. */
function idsOf(seed: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return createHash("sha256").update(`${seed} ${count}`).digest("hex").slice(0, 32);
  };
}

/** The id of the first upload session of the first neighbour. In a world without neighbours nobody has it. */
export const foreignSession = idsOf("neighbours")();

/** A place to run the same calls in: the answers, told in order, are compared with those of another world. */
export interface World {
  readonly mcp: Connection;
  readonly http: HttpClient;
  /** All that clients have got, as text, in order. */
  readonly told: string[];
  /** The tools and routes that were called. */
  readonly called: Set<string>;
  /** Calls a tool and tells its whole answer. Returns its structured content. */
  // biome-ignore lint/suspicious/noExplicitAny: the answer of any tool
  tool(name: string, args?: Arguments): Promise<any>;
  /** Sends a request to a route and tells its whole answer. */
  route(operation: string, url: string, asked?: Asked): Promise<Answered>;
  /** Tells the result of a request of the SDK's client, or its error. */
  request(name: string, work: () => Promise<unknown>): Promise<unknown>;
}

/** A store of its own, whose servers have no prefix. */
export const plainWorld = (): Promise<World> => openWorld({}, async () => undefined);

/** A store that others use too, whose servers have a bucket prefix. */
export const prefixedWorld = (): Promise<World> => openWorld({ bucketPrefix: prefix }, settleNeighbours);

async function openWorld(options: Partial<StoreOptions>, settle: (store: Store) => Promise<void>): Promise<World> {
  const engines = await openEngines(await temporaryDirectory());
  const shared = { now: () => now * 1000, analyses: createPlainAnalyses() };
  const files = createMemoryFiles();
  for (const name of ["one.csv", "two/three.txt"])
    files.files.set(`${folder}/${name}`, { bytes: bytesOf("x,y\n1,2\n"), change: 0 });
  const earlier = () => (now - 7_200) * 1000;
  await createStore({ ...engines, ...shared, files, newId: idsOf("founder"), log: silentLog }).check();
  const others = { ...shared, now: earlier, newId: idsOf("neighbours"), files: createMemoryFiles(), log: silentLog };
  const neighbour = createStore({ ...engines, ...others });
  await settle(neighbour);
  const mcp = await connect(engines, { ...options, ...shared, newId: idsOf("mcp"), files, allowPaths: [folder] });
  const http = await serveHttp(engines, { ...options, ...shared, newId: idsOf("http"), nowSeconds: () => now });
  await neighbour.close();
  const told: string[] = [];
  const called = new Set<string>();
  const tell = (what: string, answer: unknown): void => void told.push(`${what} -> ${JSON.stringify(answer)}`);
  mcp.client.fallbackNotificationHandler = async (notification) => tell("notification", notification);
  return {
    mcp,
    http,
    told,
    called,
    async tool(name, args = {}) {
      called.add(name);
      const answer = await mcp.call(name, args);
      tell(`${name} ${JSON.stringify(args)}`, answer);
      return answer.structuredContent ?? {};
    },
    async route(operation, url, asked = {}) {
      called.add(operation);
      const answer = await http.ask(operation.split(" ")[0] ?? "", url, asked);
      const { date: _, ...headers } = answer.headers;
      tell(`${operation} ${url}`, { status: answer.status, headers, text: answer.text });
      return answer;
    },
    async request(name, work) {
      const answer = await work().catch(({ code, message, data }) => ({ code, message, data }));
      tell(name, answer);
      return answer;
    },
  };
}

/** Fills the buckets of the others, under the keys that the calls use too. */
async function settleNeighbours({ artifacts, uploads }: Store): Promise<void> {
  await uploads.create({ bucket: "b", key: "upload.txt", size: 3, metadata: { [secret]: secret } });
  for (const bucket of neighbours) {
    for (const key of ["table.csv", "notes.txt", "one.csv", `${secret}/deep.txt`]) {
      const bytes = bytesOf(`x,y\n${secret},${bucket}\n`);
      const facts = { metadata: { run: "17", of: secret }, saved_by: secret };
      await artifacts.save({ bucket, key, bytes, defaultMimeType: "text/csv", ...facts });
    }
    await artifacts.save({
      bucket,
      key: "due.txt",
      bytes: bytesOf(secret),
      defaultMimeType: "text/plain",
      expires_in: 3_600,
    });
    const open = await uploads.create({ bucket, key: `${secret}.txt`, metadata: { of: secret } });
    await uploads.append(open.id, 0, bytesOf(secret));
    await uploads.create({ bucket, key: "table.csv", idempotency_key: "same" });
  }
}

/** What may differ between two stores, or between two runs. */
const opaque: readonly [RegExp, string][] = [
  [/(?<=expires=\d+&signature=)[\w-]+/g, "SIGNATURE"],
  [/127\.0\.0\.1:\d+/g, "ORIGIN"],
  [/max-age=\d+/g, "AGE"], // by the wall clock
  [/\\*"ms\\*":[\d.]+/g, "MS"],
];
/** A cursor, or the token that confirms a deletion. Both say in base64url where something stands. */
const token = /(?<=(?:cursor|Cursor|confirm)(?:\\*":\s*\\*"|=))[\w-]+/g;

/** What clients were told, with cursors decoded, and without what may differ between two stores. */
export function comparable({ told }: World): string[] {
  return told.map((line) =>
    opaque.reduce((text, [pattern, by]) => text.replace(pattern, by), line).replace(token, placeIn),
  );
}

/** The text in a cursor without its digest. Numbers of versions in the index count those of other buckets too. */
function placeIn(cursor: string): string {
  const texts = [cursor, cursor.slice(1)].map((text) => Buffer.from(text, "base64url").toString());
  const place = texts.find((text) => /^[0-9a-f]{8}/.test(text))?.slice(8);
  return place === undefined ? cursor : `(${place.replace(/\d+(?=[\] ,]|$)/g, "n")})`;
}

/** Every operation of the OpenAPI document, like `GET /v1/search`. */
export async function operationsOf({ http }: World): Promise<string[]> {
  const { json, status } = await http.ask("GET", "/v1/openapi.json");
  expect(status).toBe(200);
  const paths = json["paths"] as Record<string, Record<string, unknown>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => method !== "parameters")
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
}
