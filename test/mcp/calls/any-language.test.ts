import { describe, expect, it, vi } from "vitest";
import type { Artifact } from "../../../src/store/model/artifact.js";
import { connect } from "../../support/mcp-client.js";
import { patience } from "../../support/patience.js";
import { createMemoryEngines } from "../../support/stores.js";

/** Keys with spaces, symbols and letters of several languages, each with its URI. */
const uris = {
  "café (1) = 100%.txt": "artifact://b/caf%C3%A9%20%281%29%20%3D%20100%25.txt",
  "报告/2026 年.md": "artifact://b/%E6%8A%A5%E5%91%8A/2026%20%E5%B9%B4.md",
  "отчёт?#.txt": "artifact://b/%D0%BE%D1%82%D1%87%D1%91%D1%82%3F%23.txt",
  "😀.txt": "artifact://b/%F0%9F%98%80.txt",
};
const keys = Object.keys(uris);
/** In the order of their UTF-8 bytes. */
const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

async function setup() {
  const connection = await connect(createMemoryEngines());
  for (const key of keys) await connection.answer("save_artifact", { bucket: "b", key, content: key });
  const template = { type: "ref/resource" as const, uri: "artifact://{bucket}/{+key}" };
  const complete = async (value: string) => {
    const argument = { name: "key", value };
    const context = { arguments: { bucket: "b" } };
    return (await connection.client.complete({ ref: template, argument, context })).completion.values;
  };
  return { ...connection, complete };
}

describe("a key of any language", () => {
  it.each(Object.entries(uris))("%s is saved, found, read and deleted, and its resource is %s", async (key, uri) => {
    const { answer, client } = await setup();
    const saved = await answer<Artifact>("get_artifact", { bucket: "b", key });
    expect(saved).toMatchObject({ key, uri });
    expect(new URL(uri).href).toBe(uri);
    expect(await client.readResource({ uri })).toEqual({ contents: [expect.objectContaining({ uri, text: key })] });
    expect(await client.readResource({ uri: `${uri}?version=1&length=1&offset=0` })).toMatchObject({ contents: [{}] });
    expect(await answer("delete_artifact", { bucket: "b", key, version: 1 })).toMatchObject({ key, version: 1 });
    await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32002, data: { uri } });
  });

  it("is listed in byte order, with its URI, and by its prefix", async () => {
    const { client, answer } = await setup();
    const { resources } = await client.listResources();
    expect(resources.slice(2).map(({ uri }) => uri)).toEqual(sorted.map((key) => uris[key as keyof typeof uris]));
    expect(resources.slice(2).map(({ name }) => name)).toEqual(sorted.map((key) => `b/${key}`));
    const keysOf = async (more: object) =>
      (await answer<{ data: Artifact[] }>("list_artifacts", { bucket: "b", ...more })).data.map(({ key }) => key);
    expect(await keysOf({})).toEqual(sorted);
    expect(await keysOf({ prefix: "报告/" })).toEqual(["报告/2026 年.md"]);
    expect(await keysOf({ prefix: "cafe\u0301" })).toEqual(["café (1) = 100%.txt"]);
    expect(await answer("list_artifacts", { bucket: "b", prefix: "报", delimiter: "/" })).toEqual({
      data: [],
      prefixes: ["报告/"],
    });
  });

  it("is completed from typed text, in NFC and in NFD", async () => {
    const { complete, client } = await setup();
    expect(await complete("报")).toEqual(["报告/2026 年.md"]);
    expect(await complete("caf\u00e9 (")).toEqual(["café (1) = 100%.txt"]);
    expect(await complete("cafe\u0301")).toEqual(["café (1) = 100%.txt"]);
    expect(await complete("😀")).toEqual(["😀.txt"]);
    // The value for {+key}, where a plain ?, # or %XX would mean something else.
    const [value = ""] = await complete("отчёт?");
    expect(value).toBe("отчёт%3F%23.txt");
    expect(await client.readResource({ uri: `artifact://b/${value}` })).toMatchObject({
      contents: [{ text: "отчёт?#.txt" }],
    });
    expect(await complete("отчёт%3F%23")).toEqual([value]);
    expect(await complete(" ")).toEqual([]);
  });

  it("is reported to a subscriber by the URI that it gave: encoded, plain, or in NFD", async () => {
    const { client, answer, updated } = await setup();
    const given = [
      uris["报告/2026 年.md"],
      "artifact://b/报告/2026 年.md",
      "artifact://b/%E6%8A%A5%E5%91%8A%2F2026%20%E5%B9%B4.md",
    ];
    for (const uri of given) await client.subscribeResource({ uri });
    await client.subscribeResource({ uri: "artifact://b/cafe%CC%81%20(1)%20=%20100%25.txt" });
    await answer("save_artifact", { bucket: "b", key: "报告/2026 年.md", content: "newer" });
    await vi.waitFor(() => expect(updated).toEqual(expect.arrayContaining(given)), patience);
    expect(updated).toHaveLength(given.length);
    await answer("save_artifact", { bucket: "b", key: "café (1) = 100%.txt", content: "newer" });
    await vi.waitFor(() => expect(updated.at(-1)).toBe("artifact://b/cafe%CC%81%20(1)%20=%20100%25.txt"), patience);
  });

  it("is the same key in NFC and in NFD, and is shown in NFC", async () => {
    const { answer } = await setup();
    const saved = await answer("save_artifact", { bucket: "b", key: "cafe\u0301 (1) = 100%.txt", content: "newer" });
    expect(saved).toMatchObject({ key: "caf\u00e9 (1) = 100%.txt", version: 2 });
    const { id } = await answer<{ id: string }>("create_upload_session", { bucket: "b", key: "re\u0301sume\u0301" });
    const filter = { bucket: "b", key: "r\u00e9sum\u00e9" };
    expect(await answer("list_upload_sessions", filter)).toMatchObject({ data: [{ id, key: "r\u00e9sum\u00e9" }] });
  });
});
