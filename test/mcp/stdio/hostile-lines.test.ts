import { PassThrough } from "node:stream";
import * as fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { createMcpServer } from "../../../src/mcp/session/mcp-server.js";
import { serveStdio } from "../../../src/mcp/stdio/serve-stdio.js";
import { defaultMaxChunkBytes } from "../../../src/store/model/limits.js";
import { cases, hostileValue } from "../../support/hostile.js";
import { initialize } from "../../support/server-process.js";
import { silentLog } from "../../support/silent-log.js";
import { ClientOutput, type Message } from "../../support/stdio-streams.js";
import { createMemoryEngines, storeOn } from "../../support/stores.js";

const methods = fc.constantFrom(
  "tools/call",
  "tools/list",
  "resources/read",
  "resources/list",
  "resources/templates/list",
  "ping",
  "initialize",
  "completion/complete",
  "resources/subscribe",
  "resources/unsubscribe",
  "logging/setLevel",
  "no/such/method",
  "",
);

/** A request that is valid apart from its params. It must be answered once. */
const request = fc.record({
  method: methods,
  params: fc.option(
    fc.dictionary(
      fc.constantFrom("name", "arguments", "uri", "cursor", "ref", "argument", "_meta", "protocolVersion", "__proto__"),
      hostileValue,
      { maxKeys: 4 },
    ),
    { nil: undefined },
  ),
});

/** JSON of an object that looks like a message. Any member may have any value, occur twice, or be missing. */
const mangled = fc
  .array(fc.tuple(fc.constantFrom("jsonrpc", "id", "method", "params", "result", "error", "x"), hostileValue), {
    maxLength: 6,
  })
  .map((members) => `{${members.map(([name, value]) => `"${name}":${JSON.stringify(value)}`).join(",")}}`);

const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\n", "")),
  fc.nat(100_000).map((depth) => "[".repeat(depth)),
  fc
    .nat(100_000)
    .map((depth) => `{"jsonrpc":"2.0","method":"m","params":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`),
  fc.constantFrom("", " ", "\r", "null", "0", '"', "[]", "{}", "1e999", '{"id":1e999}', "NaN", "\ufeff{}", "{'id':1}"),
  fc.constantFrom('{"jsonrpc":"2.0","id":null,"method":"ping"}', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}'),
  mangled,
);

type Line = { readonly text: string } | { readonly request: object };
const line: fc.Arbitrary<Line> = fc.oneof(
  request.map((asked) => ({ request: asked })),
  garbage.map((text) => ({ text })),
);

it("the server answers every request once and goes on, whatever stdin brings", async () => {
  const rejections: unknown[] = [];
  const note = (reason: unknown): void => void rejections.push(reason);
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  const [stdin, stdout] = [new PassThrough(), new ClientOutput()];
  stdout.setMaxListeners(100);
  const store = storeOn(createMemoryEngines());
  const options = {
    version: "0",
    maxChunkBytes: defaultMaxChunkBytes,
    allowPaths: [],
    readOnly: false,
    isLocal: true,
    hasUrls: false,
    log: silentLog,
  };
  const session = await serveStdio(createMcpServer({ store, ...options }), stdin, stdout, silentLog);
  onTestFinished(async () => {
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
    await session.finish();
    await store.close();
  });

  let id = 0;
  const answersTo = (wanted: ReadonlySet<unknown>): Message[] =>
    stdout.lines.filter((message) => wanted.has(message.id));
  async function answered(wanted: ReadonlySet<string>): Promise<void> {
    while (answersTo(wanted).length < wanted.size) await new Promise((resolve) => stdout.once("line", resolve));
  }
  stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...initialize })}\n`);

  const property = fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.nat(500), async (lines, cut) => {
    stdout.lines.length = 0;
    const wanted = new Set<string>();
    const texts = lines.map((entry) => {
      if ("text" in entry) return entry.text;
      id += 1;
      wanted.add(`request ${id}`);
      return escaped(JSON.stringify({ jsonrpc: "2.0", id: `request ${id}`, ...entry.request }), 0x7f);
    });
    wanted.add(`ping ${id}`);
    texts.push(JSON.stringify({ jsonrpc: "2.0", id: `ping ${id}`, method: "ping" }));
    // The garbage is written byte by byte, so that some of it is not UTF-8.
    const input = Buffer.from(texts.map((text) => `${escaped(text, 0xff)}\n`).join(""), "latin1");
    stdin.write(input.subarray(0, cut));
    stdin.write(input.subarray(cut));
    await answered(wanted);
    expect(
      answersTo(wanted)
        .map((message) => message.id)
        .sort(),
    ).toEqual([...wanted].sort());
    for (const message of stdout.lines) expect(message.error ?? message.result ?? message.method).toBeDefined();
    expect(rejections).toEqual([]);
  });
  await fc.assert(property, { numRuns: cases(300, 10_000) });
  expect({}).not.toHaveProperty("polluted");
});

/** Replaces characters above `most` by their JSON escapes. */
function escaped(text: string, most: number): string {
  const asEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(/[^\0-\x7f]/g, (unit) => (unit.charCodeAt(0) > most ? asEscape(unit) : unit));
}
