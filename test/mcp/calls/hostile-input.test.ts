import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { createLocalFiles } from "../../../src/engines/local-files/local-files.js";
import { ERROR_CODES } from "../../../src/store/model/errors.js";
import { temporaryDirectory } from "../../support/directories.js";
import { cases, hostileValue } from "../../support/hostile.js";
import { expectSound } from "../../support/invariants.js";
import { type Connection, connect, refusalIn, textOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

/** Likely values of each argument, so that calls get past their schemas. */
function plausible(ids: readonly string[], allowed: string): Readonly<Record<string, fc.Arbitrary<unknown>>> {
  const text = fc.string({ unit: "binary", maxLength: 30 });
  return {
    bucket: fc.constantFrom("b", "c"),
    key: fc.constantFrom("k", "k/a.csv", "k/b.png"),
    session_id: fc.constantFrom(...ids),
    content: text,
    data: text,
    path: fc.constantFrom(`${allowed}/f`, `${allowed}/out`, `${allowed}/../outside`, "/etc/passwd", "relative"),
    offset: fc.nat(40),
    length: fc.nat(40),
    size: fc.option(fc.nat(40), { nil: undefined }),
    version: fc.nat(3),
    if_version: fc.nat(3),
    limit: fc.nat(3),
    encoding: fc.constantFrom("utf8", "base64", "auto"),
    prefix: fc.constantFrom("", "k", "k/"),
    delimiter: fc.constantFrom("/", "."),
    mime_type: fc.constantFrom("text/plain", "image/png"),
    metadata: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
    overwrite: fc.boolean(),
  };
}

interface Call {
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** Calls of the offered tools. Their arguments mix valid values and hostile ones. */
async function anyCall({ client }: Connection, ids: readonly string[], allowed: string): Promise<fc.Arbitrary<Call>> {
  const { tools } = await client.listTools();
  const likely = plausible(ids, allowed);
  const calls = tools.map(({ name, inputSchema }) => {
    const argumentsOf = Object.keys(inputSchema.properties ?? {}).map((argument) => {
      const known = likely[argument] ?? hostileValue;
      const value = fc.oneof({ weight: 6, arbitrary: known }, { weight: 1, arbitrary: hostileValue });
      const isRequired = inputSchema.required?.includes(argument) === true;
      const entry = value.map((chosen) => [argument, chosen] as const);
      return fc.option(entry, { freq: isRequired ? 20 : 2, nil: undefined });
    });
    const extra = fc.option(fc.tuple(fc.string(), hostileValue), { freq: 1, nil: undefined });
    const entries = fc.tuple(...argumentsOf, fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, extra));
    return entries.map((given) => ({ name, args: Object.fromEntries(given.filter((entry) => entry !== undefined)) }));
  });
  return fc.oneof(...calls);
}

it("a tool answers any arguments with a result or with an error that its caller can act on", async () => {
  const rejections: unknown[] = [];
  const note = (reason: unknown): void => void rejections.push(reason);
  process.on("unhandledRejection", note);
  onTestFinished(() => void process.off("unhandledRejection", note));

  const base = await temporaryDirectory();
  const allowed = join(base, "allowed");
  await mkdir(allowed);
  await writeFile(join(allowed, "f"), "content");
  const engines = createMemoryEngines();
  const files = createLocalFiles({ forbidden: join(base, "store") });
  const limits = { maxChunkBytes: 200, maxOpenSessions: 20 };
  const connection = await connect(engines, { files, allowPaths: [allowed], ...limits });
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    ids.push((await connection.answer<{ id: string }>("create_upload_session", { bucket: "b", key: "k" })).id);
  }
  const seen = new Map<string, number>();
  const property = fc.asyncProperty(await anyCall(connection, ids, allowed), async ({ name, args }) => {
    const result = await connection.call(name, args);
    if (result.isError !== true) {
      seen.set("ok", (seen.get("ok") ?? 0) + 1);
      return;
    }
    const error = refusalIn(textOf(result));
    seen.set(error.code, (seen.get(error.code) ?? 0) + 1);
    expect(ERROR_CODES).toContain(error.code);
    expect(["internal", "corrupt"], JSON.stringify(error)).not.toContain(error.code);
    expect(textOf(result)).not.toMatch(/\bat .*\.ts:\d+|node_modules/);
    expect(error.message.length).toBeGreaterThan("k is required".length);
    expect(error.message.length).toBeLessThan(2_000);
  });
  await fc.assert(property, { numRuns: cases(3_000, 100_000) });
  expectSound(engines);
  expect((await connection.store.verify()).faults).toEqual([]);
  expect(await readdir(base)).toEqual(["allowed"]);
  expect(await readFile(join(allowed, "f"), "utf8")).toBeTypeOf("string");
  expect({}).not.toHaveProperty("polluted");
  expect(rejections).toEqual([]);
  // The calls reached the tools: many kinds of answers came.
  expect([...seen.keys()]).toEqual(expect.arrayContaining(["ok", "invalid_argument", "artifact_not_found"]));
  expect(seen.size).toBeGreaterThan(6);
});
