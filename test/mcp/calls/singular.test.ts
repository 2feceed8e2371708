import { expect, it } from "vitest";
import { count, countIs } from "../../../src/store/model/count.js";
import { connect, textOf, uploadsOf } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

const wrong = /\b1 (bytes|entries|versions|uploads|upload sessions|characters|files)\b|\b1 byte are\b/;

it("count() and countIs() use the singular only for one", () => {
  expect([0, 1, 2, 1_000].map((number) => count(number, "byte"))).toEqual([
    "0 bytes",
    "1 byte",
    "2 bytes",
    "1000 bytes",
  ]);
  expect([0, 1, 2].map((number) => countIs(number, "byte"))).toEqual(["0 bytes are", "1 byte is", "2 bytes are"]);
});

it("answers about one byte say byte, not bytes", async () => {
  const connection = await connect(createMemoryEngines(), { maxOpenSessions: 1, maxChunkBytes: 1 });
  const { call, answer, client } = connection;
  const { create, append } = uploadsOf(connection);
  const texts: string[] = [];
  const record = async (tool: string, args: Record<string, unknown>) => texts.push(textOf(await call(tool, args)));
  await answer("save_artifact", { bucket: "b", key: "i.png", content: "x" });
  const { id } = await create({ size: 2 });
  await append(id, 0, "x");
  await record("read_artifact", { bucket: "b", key: "i.png" });
  await record("read_artifact", { bucket: "b", key: "i.png", encoding: "utf8" });
  await record("read_artifact", { bucket: "b", key: "i.png", offset: 2 });
  await record("list_artifacts", { bucket: "b" });
  await record("upload_chunk", { session_id: id, offset: 0, data: "y" });
  await record("upload_chunk", { session_id: id, offset: 2, data: "y" });
  await record("complete_upload_session", { session_id: id });
  await record("create_upload_session", { bucket: "b", key: "k2" });
  await client.readResource({ uri: "artifact://b/i.png?offset=2" }).catch((error) => texts.push(String(error)));
  expect(texts.join("\n").match(/\b1 (byte|entry|upload session)\b/g)?.length).toBeGreaterThan(7);
  for (const text of texts) expect(text).not.toMatch(wrong);
});
