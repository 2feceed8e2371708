import { once } from "node:events";
import { connect } from "node:net";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { cases } from "../support/hostile.js";
import { type HttpClient, serveHttp, token } from "../support/http-client.js";
import { saveText } from "../support/stores.js";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];
const word = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."abc019-_.~!$&'()*+,;=:@/?%"), maxLength: 20 }),
  fc.constantFrom(
    "..",
    ".",
    "%2e%2e",
    "%00",
    "%ff",
    "%",
    "session:",
    "session:x.y",
    "b",
    "k",
    "new",
    "{key}",
    "//",
    "?",
    "?version=1",
    "?limit=x",
    "?metadata[__proto__]=x",
    "?metadata[]=",
    "?prefix=&confirm=e30",
  ),
);
const number = fc.constantFrom("0", "1", "2", "5", "11", "-1", "1e3", "99999999999999999999", "x", "");
const values: Readonly<Record<string, fc.Arbitrary<string>>> = {
  "content-length": fc.constantFrom("0", "3", "5", "6", "5, 5", "-1", "x"),
  "transfer-encoding": fc.constantFrom("chunked", "gzip, chunked", "identity"),
  "content-type": fc.oneof(
    word,
    fc.constantFrom("application/offset+octet-stream", "application/partial-upload", "a/b;\tc"),
  ),
  "content-range": fc.oneof(word, fc.constantFrom("bytes 0-4/5", "bytes */5", "bytes 5-0/1", "bytes 0-4/*")),
  "content-encoding": fc.constantFrom("gzip", "identity"),
  range: fc.oneof(word, fc.constantFrom("bytes=0-", "bytes=-1", "bytes=0-0,2-2", "bytes=9-", "bytes=,")),
  "if-match": word,
  "if-none-match": fc.constantFrom("*", '"x"', ""),
  "if-range": word,
  "if-modified-since": fc.oneof(word, fc.constantFrom("Sun, 06 Nov 1994 08:49:37 GMT", "1")),
  "if-unmodified-since": fc.oneof(word, fc.constantFrom("Sun, 06 Nov 1994 08:49:37 GMT", "1")),
  "idempotency-key": fc.oneof(word, fc.constantFrom("a", "a", "x".repeat(256))),
  "upload-offset": number,
  "upload-length": number,
  "upload-complete": fc.constantFrom("?1", "?0", "1", "?2"),
  "upload-defer-length": number,
  "upload-metadata": fc.oneof(word, fc.constantFrom("key aw==", "bucket Yg==,key aw==", "filetype Cg==", "a,b c d")),
  "upload-checksum": fc.constantFrom("sha1 x", "md5", "crc32 aaaa"),
  "upload-draft-interop-version": fc.constantFrom("8", "3"),
  "repr-digest": fc.oneof(word, fc.constantFrom("sha-256=:AAAA:", "sha-256=:", "md5=:AA==:")),
  "content-digest": fc.constantFrom("sha-256=:AAAA:", "sha-512=:AAAA:", "x"),
  "tus-resumable": fc.constantFrom("1.0.0", "1.0.1", ""),
  "x-http-method-override": fc.constantFrom("PATCH", "HEAD", "DELETE", "GET", "x"),
  expect: fc.constantFrom("100-continue", "x"),
  origin: fc.constantFrom("null", "http://evil.example"),
  authorization: fc.constantFrom(`Bearer ${token}`, "Bearer x", "x"),
};
const headers = fc.array(
  fc.constantFrom(...Object.keys(values)).chain((name) => fc.tuple(fc.constant(name), values[name] ?? word)),
  { maxLength: 6 },
);
const paths = (urls: readonly string[]) =>
  fc.oneof(
    fc.constantFrom(...urls),
    fc
      .array(fc.oneof(fc.constantFrom("v1", "artifacts", "files", "content", "tus", "mcp"), word), { maxLength: 6 })
      .map((words) => `/${words.join("/")}`),
    fc.tuple(fc.constantFrom(...urls), word).map(([url, more]) => url + more),
  );

/** Returns the text of a request. A sound one has none of the random fields that would end it before it is routed. */
function textOf({ method, path, headers, isTrusted, isSound, body }: Request, urls: readonly string[]): string {
  const sound = ["content-length", "transfer-encoding", "expect", "origin", "authorization"];
  const chosen = headers.filter(([name]) => !isSound || !sound.includes(name));
  const length = isSound ? [["content-length", String(body.length)]] : [];
  const authorization = isTrusted ? [["authorization", `Bearer ${token}`]] : [];
  const lines = [["host", "localhost"], ["connection", "close"], ...authorization, ...length, ...chosen];
  const target = path.replace("{upload}", urls[0] ?? "").replace("{tus}", urls[1] ?? "");
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}

/** Sends a text, and returns all that the server sends until it closes the connection. */
async function exchange({ origin }: HttpClient, sent: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  let heard = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    heard += text;
  });
  socket.on("error", () => undefined); // the event `close` follows
  socket.end(sent, "latin1");
  if (!socket.closed) await once(socket, "close").catch(() => undefined);
  return heard;
}

const known = [
  "/v1/artifacts",
  "/v1/files/b",
  "/v1/artifacts/b?prefix=",
  "/v1/artifacts/b/k",
  "/v1/content/b/k",
  "/v1/content/b/new",
  "/v1/content/b/k?expires_in=1h&metadata[a]=b",
  "/v1/search?query=k&metadata[a]=b",
  "/v1/describe/b/k?version=1",
  "/v1/rows/b/k?columns=a&columns=b&rows=-5",
  "/v1/compare?bucket=b&key=k&to_key=l",
  "/v1/copies",
  "/v1/sessions",
  "/v1/sessions/x/complete",
  "/v1/tus",
];
const request = fc.record({
  method: fc.constantFrom(...methods),
  path: paths([...known, "/v1/openapi.json", "/healthz", "{upload}", "{upload}", "{tus}", "{tus}"]),
  headers,
  isTrusted: fc.boolean(),
  isSound: fc.integer({ min: 0, max: 9 }).map((chance) => chance > 0),
  body: fc.constantFrom(
    "",
    "hello",
    "{}",
    '{"bucket":"b","key":"k"}',
    '{"bucket":"b","key":"k","to_key":"c","if_version":"0"}',
    '{"metadata":{"a":"b"},"expires_in":"1h"}',
    '{"metadata":{"__proto__":"b"}}',
    "5\r\nhello\r\n0\r\n\r\n",
    "x".repeat(100),
  ),
});
type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

it("every request is answered without a failure of the server, which keeps running", async () => {
  const failures: unknown[] = [];
  const log: Parameters<typeof serveHttp>[1] = {
    log: (level, event, facts) => void (level === "error" && failures.push({ event, ...facts })),
  };
  const client = await serveHttp(undefined, log);
  await saveText(client.store, "b", "k", "hello");
  await fc.assert(
    fc.asyncProperty(request, async (asked) => {
      const { id } = await client.store.uploads.create({ bucket: "b", key: "new" });
      const urls = [client.signedUrls.uploadPath(id), client.signedUrls.uploadPath(id, "/v1/tus/")];
      const heard = await exchange(client, textOf(asked, urls));
      expect(heard).toMatch(asked.isSound ? /^HTTP\/1\.1 \d{3} / : /^(?:HTTP\/1\.1 \d{3} |$)/);
      const statuses = [...heard.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
      // 501 answers an unsupported transfer coding.
      expect(statuses.filter((status) => status >= 500 && status !== 501)).toEqual([]);
      await client.store.uploads.abort(id).catch(() => undefined); // it may be complete, or dismissed
    }),
    { numRuns: cases(1_000, 50_000) },
  );
  expect(failures).toEqual([]);
  expect((await client.ask("GET", "/readyz")).status).toBe(200);
});
