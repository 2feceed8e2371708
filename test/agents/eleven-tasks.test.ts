import { describe, expect, it } from "vitest";
import { type ConnectOptions, connect } from "../support/mcp-client.js";
import { createMemoryEngines } from "../support/stores.js";
import { type Agent, createAgent, factOf } from "./agent.js";

/*
 * What eleven tasks cost an agent: an upper bound of calls, and of characters of arguments and answers, of each; and of
 * the answers of all. The arguments are those that an agent would write who knows the tool list alone.
 */

async function setup(options: ConnectOptions = {}) {
  const engines = createMemoryEngines();
  const connection = await connect(engines, options);
  const save = (
    bucket: string,
    key: string,
    content: string,
    more: { readonly metadata?: Record<string, string> } = {},
  ) =>
    connection.store.artifacts.save({
      bucket,
      key,
      bytes: Buffer.from(content),
      defaultMimeType: "text/plain",
      ...more,
    });
  return { ...connection, engines, save, agent: createAgent(connection) };
}

/** A log of 5 MB with short lines: 1,300,000 numbers, and one error among them. */
const lines = 1_300_000;
const logLine = (n: number): string => (n === 1_000_000 ? "ERR" : String(n % 1_000).padStart(3, "0"));
const log = Array.from({ length: lines }, (_, n) => `${logLine(n + 1)}\n`).join("");
const logAt = { bucket: "logs", key: "run-7.log" };

/** 300 rows; every tenth has no weight. */
const table = `id,kind,weight\n${Array.from({ length: 300 }, (_, n) => `${n + 1},${n % 2 ? "a" : "b"},${n % 10 ? (n % 7) + 1 : ""}\n`).join("")}`;
const tableAt = { bucket: "data", key: "parts.csv" };

interface Task {
  readonly calls: number;
  readonly characters: number;
  /** Does the task, and checks that the agent has learnt or done what it should. */
  readonly run: () => Promise<Agent>;
}

const tasks: Readonly<Record<string, Task>> = {
  "to find the evaluation results of the run in March, as CSV, among 300": {
    calls: 2,
    characters: 680,
    async run() {
      let now = Date.parse("2026-01-01T00:00:00Z");
      const { save, agent } = await setup({ now: () => now });
      for (let n = 0; n < 300; n += 1) {
        const kind = ["eval", "train", "notes"][n % 3];
        const extension = ["csv", "json", "md"][Math.floor(n / 3) % 3];
        await save("models", `${kind}/run-${String(n).padStart(3, "0")}/results.${extension}`, `${n}\n`);
        now += 12 * 60 * 60 * 1000;
      }
      const found = await agent.call("search_artifacts", {
        query: "eval results csv",
        created_after: "2026-03-01",
        created_before: "2026-03-31",
      });
      const lines = found.split("\n").slice(1);
      expect(lines.length).toBeGreaterThan(3);
      for (const line of lines) expect(line).toMatch(/^models\teval\/run-\d+\/results\.csv\t\d B\t2026-03-/);
      const [bucket, key] = (lines[0] ?? "").split("\t");
      await agent.call("read_artifact", { bucket, key });
      return agent;
    },
  },

  "to rename, to copy, and to delete 50": {
    calls: 5,
    characters: 820, // 60 of them are names of keys that the deletion would delete
    async run() {
      const { agent, save } = await setup();
      for (let n = 0; n < 50; n += 1) await save("b", `tmp/part-${n}.json`, `tmp/part-${n}.json`);
      await save("b", "draft.md", "draft.md");
      await agent.call("copy_artifact", { bucket: "b", key: "draft.md", to_key: "final.md", move: true });
      await agent.call("copy_artifact", { bucket: "b", key: "final.md", to_bucket: "archive" });
      const counted = await agent.call("delete_artifact", { bucket: "b", prefix: "tmp/" });
      const [, next = ""] = /delete_artifact (\{.*\})$/.exec(counted) ?? [];
      expect(await agent.call("delete_artifact", JSON.parse(next))).toMatch(/^50 artifacts/);
      const left = await agent.call("list_artifacts", { bucket: "b" });
      expect(left).toMatch(/^1 entry .*\nfinal\.md\t/);
      return agent;
    },
  },

  "to go on with an upload in a new conversation with nothing but the key": {
    calls: 4,
    characters: 700,
    async run() {
      const { call, engines } = await setup();
      const here = { bucket: "reports", key: "june.md" };
      const begun = await call("create_upload_session", here);
      const { id } = begun.structuredContent as { id: string };
      await call("upload_chunk", { session_id: id, offset: 0, data: "# June\n\nThe first half of the text. " });

      const agent = createAgent(await connect(engines));
      const page = await agent.call("list_upload_sessions", here);
      const [, line = ""] = page.split("\n");
      const [found, at, , tail] = line.split("\t");
      expect(tail).toBe('tail "# June\\n\\nThe first half of the text. "');
      const offset = Number(/^open at offset (\d+)$/.exec(at ?? "")?.[1]);
      await agent.call("upload_chunk", { session_id: found, offset, data: "The second half.\n" });
      await agent.call("complete_upload_session", { session_id: found });
      expect(await agent.call("read_artifact", here)).toMatch(/first half of the text\. The second half\./);
      return agent;
    },
  },

  "to append three rows to 1,000 bytes": { calls: 3, characters: 585, run: () => appendTo(1_000) },
  "to append three rows to 1,000,000 bytes": { calls: 3, characters: 585, run: () => appendTo(1_000_000) },

  "to read the last 20 lines of 5 MB": {
    calls: 1,
    characters: 230,
    async run() {
      const { agent, save } = await setup();
      await save(logAt.bucket, logAt.key, log);
      const page = await agent.call("read_artifact", { ...logAt, lines: -20 });
      const [where, ...lines] = page.split("\n");
      expect(where).toBe("Lines 1299981 to 1300000 of 1300000 (text/plain, version 1). This is the end.");
      expect(lines).toEqual(Array.from({ length: 20 }, (_, n) => logLine(1_299_981 + n)));
      return agent;
    },
  },

  "to read lines 1,000 to 1,020": {
    calls: 1,
    characters: 320,
    async run() {
      const { agent, save } = await setup();
      await save(logAt.bucket, logAt.key, log);
      const page = await agent.call("read_artifact", { ...logAt, line: 1_000, lines: 21 });
      const [where, ...lines] = page.split("\n");
      expect(where).toMatch(/^Lines 1000 to 1020 of 1300000 \(/);
      expect(lines).toEqual(Array.from({ length: 21 }, (_, n) => logLine(1_000 + n)));
      return agent;
    },
  },

  "to see the header and five rows": {
    calls: 1,
    characters: 235,
    async run() {
      const { agent, save } = await setup();
      await save(tableAt.bucket, tableAt.key, table);
      const page = await agent.call("read_artifact", { ...tableAt, rows: 5 });
      expect(page).toContain("\nid,kind,weight\n1,b,\n2,a,2\n3,b,3\n4,a,4\n5,b,5");
      return agent;
    },
  },

  "to count the rows": {
    calls: 1,
    characters: 270,
    async run() {
      const { agent, save } = await setup();
      await save(tableAt.bucket, tableAt.key, table);
      expect(await agent.call("describe_artifact", tableAt)).toMatch(/^csv, 300 rows x 3 columns, /);
      return agent;
    },
  },

  "to find a line": {
    calls: 1,
    characters: 120,
    async run() {
      const { agent, save } = await setup();
      await save(logAt.bucket, logAt.key, log);
      const found = await agent.call("read_artifact", { ...logAt, find: "ERR" });
      expect(found).toMatch(/^1 line matches \(.*\n1000000:ERR$/);
      return agent;
    },
  },

  "to see what has changed between two versions": {
    calls: 1,
    characters: 250,
    async run() {
      const { agent, save } = await setup();
      await save(tableAt.bucket, tableAt.key, table);
      await save(tableAt.bucket, tableAt.key, `${table.replace("\n150,a,", "\n150,c,")}301,b,9\n`);
      const changes = await agent.call("compare_artifacts", tableAt);
      expect(changes).toMatch(
        /^They differ, from version 1 to 2: 300 to 301 rows.*\n-150,a,3\n\+150,c,3\n.*\n\+301,b,9\n/s,
      );
      return agent;
    },
  },

  "to learn which column has empty values": {
    calls: 1,
    characters: 270,
    async run() {
      const { agent, save } = await setup();
      await save(tableAt.bucket, tableAt.key, table);
      const described = await agent.call("describe_artifact", tableAt);
      expect(described.match(/^(.+): .* empty/gm)).toEqual([expect.stringMatching(/^weight: .*, 30 empty$/)]);
      return agent;
    },
  },
};

async function appendTo(bytes: number): Promise<Agent> {
  const { agent, store, save } = await setup();
  const here = { bucket: "experiments", key: "2026/03/run-131/measurements.csv" };
  const metadata = { run: "131", model: "resnet-50", source: "lab 3, second floor" };
  await save(here.bucket, here.key, "2026-03-01,17.25,ok\n".repeat(bytes / 20), { metadata });
  const created = await agent.call("create_upload_session", { ...here, from: "newest" });
  const [id, offset] = [factOf(created, "id"), factOf(created, "offset")];
  expect(factOf(created, "tail")).toMatch(/17\.25,ok\n$/);
  const data = "2026-03-02,17.5,ok\n2026-03-03,17.75,ok\n2026-03-04,18,ok\n";
  await agent.call("upload_chunk", { session_id: id, offset, data });
  await agent.call("complete_upload_session", { session_id: id });
  expect(await store.artifacts.get(here.bucket, here.key)).toMatchObject({ version: 2, bytes: bytes + data.length });
  return agent;
}

/** Characters of the answers of each task that was done. */
const answered = new Map<string, number>();

describe("the cost of a task", () => {
  it.each(Object.entries(tasks))("%s", async (name, { calls, characters, run }) => {
    const agent = await run();
    answered.set(name, agent.answered());
    agent.expectAtMost(calls, characters);
  });

  it("of eleven is under 3,000 characters of answers together", async () => {
    const { "to append three rows to 1,000 bytes": _, ...eleven } = tasks;
    expect(Object.keys(eleven)).toHaveLength(11);
    let all = 0;
    for (const [name, { run }] of Object.entries(eleven)) all += answered.get(name) ?? (await run()).answered();
    expect(all).toBeLessThan(3_000);
  });
});
