import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createMetrics } from "../../../src/http/metrics/metrics.js";
import type { StoreSize } from "../../../src/store/ports/store-size.js";
import { bearer, type HttpClient, mountOf, serveHttp } from "../../support/http-client.js";
import { silentLog } from "../../support/silent-log.js";
import { createMemoryEngines, saveText } from "../../support/stores.js";

/** The values of all series, by their name and labels. */
function seriesIn(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [, name = "", value] = /^(\S+) (\S+)$/.exec(line) ?? [];
      return [name, Number(value)];
    }),
  );
}

const scrape = async ({ ask }: Pick<HttpClient, "ask">) => seriesIn((await ask("GET", "/metrics")).text);

function requestsOf(series: ReadonlyMap<string, number>, route: string, method: string, code: string) {
  return series.get(`artifacts_mcp_http_requests_total{route="${route}",method="${method}",code="${code}"}`);
}

describe("GET /metrics", () => {
  it("answers in the text format of Prometheus, with a help and a type for each name", async () => {
    const client = await serveHttp();
    const { status, headers, text } = await client.ask("GET", "/metrics");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const sample = /^[a-z_0-9]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? (?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf)$/;
    for (const line of text.split("\n")) {
      if (!/^# (?:HELP|TYPE) [a-z_0-9]+ \S/.test(line) && line !== "") expect(line).toMatch(sample);
    }
    const typed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    for (const [, name = "", type = ""] of typed) expect(name.endsWith("_total"), name).toBe(type === "counter");
    const helped = [...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name);
    expect(helped).toEqual(typed.map(([, name]) => name));
    expect(new Set(helped).size).toBe(helped.length);
  });

  it("needs the token, and takes no query", async () => {
    const client = await serveHttp();
    expect((await client.askAsStranger("GET", "/metrics")).status).toBe(401);
    expect((await client.ask("GET", "/metrics?a=1")).status).toBe(400);
    expect((await client.ask("POST", "/metrics")).headers["allow"]).toBe("GET, OPTIONS");
  });

  it("answers a HEAD without the body, also on a server that only reads", async () => {
    const client = await serveHttp(createMemoryEngines(), { readOnly: true });
    const head = await client.ask("HEAD", "/metrics");
    expect(head.status).toBe(200);
    expect(head.text).toBe("");
    expect(Number(head.headers["content-length"])).toBeGreaterThan(1000);
    expect((await scrape(client)).get("artifacts_mcp_store_artifacts")).toBe(0);
  });

  it("has the usual metrics of a process", async () => {
    const series = await scrape(await serveHttp());
    const startedAt = series.get("process_start_time_seconds") ?? 0;
    expect(Math.abs(startedAt + process.uptime() - Date.now() / 1000)).toBeLessThan(2);
    expect(series.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    for (const name of ["process_cpu_seconds_total", "nodejs_eventloop_lag_p99_seconds"]) {
      expect(series.get(name), name).toBeGreaterThanOrEqual(0);
    }
    expect(series.get('artifacts_mcp_build_info{version="0.0.0-test"}')).toBe(1);
  });
});

describe("requests", () => {
  it("are counted and timed by the pattern of their route, also if they fail", async () => {
    const client = await serveHttp();
    await client.ask("PUT", "/v1/content/b/some/key", { body: "text" });
    await client.ask("GET", "/v1/content/b/some/key");
    await client.ask("HEAD", "/v1/content/b/some/key");
    await client.ask("GET", "/v1/content/b/other");
    await client.ask("GET", "/v1/files/b/some/key"); // another name of /v1/artifacts
    await client.askAsStranger("GET", "/v1/artifacts");
    const series = await scrape(client);
    const content = "/v1/content/{bucket}/{key}";
    expect(requestsOf(series, content, "PUT", "201")).toBe(1);
    expect(requestsOf(series, content, "GET", "200")).toBe(1);
    expect(requestsOf(series, content, "HEAD", "200")).toBe(1);
    expect(requestsOf(series, content, "GET", "404")).toBe(1);
    expect(requestsOf(series, "/v1/artifacts/{bucket}/{key}", "GET", "200")).toBe(1);
    expect(requestsOf(series, "/v1/artifacts", "GET", "401")).toBe(1);
    const duration = "artifacts_mcp_http_request_duration_seconds";
    const labels = `route="${content}",method="GET"`;
    expect(series.get(`${duration}_count{${labels}}`)).toBe(2);
    expect(series.get(`${duration}_bucket{le="+Inf",${labels}}`)).toBe(2);
    expect(series.get(`${duration}_sum{${labels}}`)).toBeGreaterThan(0);
  });

  it("make no new series by their paths, keys, methods, queries or header fields", async () => {
    const client = await serveHttp();
    const visit = async (name: string): Promise<void> => {
      await client.ask("GET", `/${name}`);
      await client.ask("GET", `/v1/${name}/${name}`);
      await client.ask("GET", `/v1/artifacts/bucket-${name}/${name}`);
      await client.ask("GET", `/v1/content/b/${name}?${name}=1`);
      await client.ask("GET", `/v1/artifacts/session:${name}.${name}`);
      await client.ask("OPTIONS", `/v1/artifacts/b/${name}`);
      await client.ask("PROPFIND", `/v1/artifacts/b/${name}`);
      await client.ask("M-SEARCH", `/${name}`);
      await client.ask("POST", `/v1/artifacts/b/${name}`, { headers: { "x-http-method-override": name } });
      await client.ask("GET", "/v1/artifacts", { headers: { "user-agent": name, origin: `http://${name}` } });
    };
    await visit("first");
    const before = [...(await scrape(client)).keys()];
    for (let n = 0; n < 20; n += 1) await visit(`x${n}`);
    expect([...(await scrape(client)).keys()].filter((name) => !/route="\/metrics"/.test(name))).toEqual(
      before.filter((name) => !/route="\/metrics"/.test(name)),
    );
    expect(before.join("\n")).not.toContain("first");
  });

  it("have the status none if their client has left", async () => {
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const mcp = mountOf(async ({ response }) => {
      begin();
      await once(response, "close");
    });
    const client = await serveHttp(createMemoryEngines(), { mcp });
    const request = client.begin("GET", "/mcp", bearer);
    request.end();
    await begun;
    request.destroy();
    let counted: number | undefined;
    while (counted === undefined) {
      counted = requestsOf(await scrape(client), "/mcp", "GET", "none");
      await sleep(5);
    }
    expect(counted).toBe(1);
  });

  it("add their bytes, also while a body is being received, and after its connection has closed", async () => {
    const client = await serveHttp();
    const received = async () => (await scrape(client)).get("artifacts_mcp_http_received_bytes_total") ?? 0;
    const sent = async () => (await scrape(client)).get("artifacts_mcp_http_sent_bytes_total") ?? 0;
    const size = 3_000_000;
    const headers = { ...bearer, "content-length": String(size) };
    const request = httpRequest(`${client.origin}/v1/content/b/k`, { method: "PUT", headers, agent: false });
    request.write(Buffer.alloc(size / 2));
    while ((await received()) < size / 2) await sleep(5);
    request.end(Buffer.alloc(size / 2));
    const [answer] = await once(request, "response");
    answer.resume();
    await once(request, "close");
    const after = await received();
    expect(after).toBeGreaterThan(size);
    expect(after).toBeLessThan(size + 100_000);
    const before = await sent();
    await client.ask("GET", "/v1/content/b/k");
    expect((await sent()) - before).toBeGreaterThan(size);
  });
});

describe("the store", () => {
  it("is measured: artifacts, buckets, bytes and open uploads", async () => {
    const client = await serveHttp();
    await saveText(client.store, "b", "k", "four");
    await saveText(client.store, "b", "k", "fives");
    await saveText(client.store, "c", "k", "three");
    await client.store.uploads.create({ bucket: "b", key: "open", size: 5 });
    const series = await scrape(client);
    expect(series.get("artifacts_mcp_store_up")).toBe(1);
    expect(series.get("artifacts_mcp_store_buckets")).toBe(2);
    expect(series.get("artifacts_mcp_store_artifacts")).toBe(2);
    expect(series.get("artifacts_mcp_store_newest_bytes")).toBe(10);
    expect(series.get("artifacts_mcp_store_bytes")).toBe(14);
    expect(series.get("artifacts_mcp_open_uploads")).toBe(1);
  });

  it("is asked once for many scrapes", async () => {
    const engines = createMemoryEngines();
    let asked = 0;
    const size = (): Promise<StoreSize> => {
      asked += 1;
      return engines.metadata.size("");
    };
    const client = await serveHttp({ ...engines, metadata: { ...engines.metadata, size } });
    for (let n = 0; n < 10; n += 1) await scrape(client);
    expect(asked).toBe(1);
  });

  it("that cannot be read is down, and the other metrics are there", async () => {
    const engines = createMemoryEngines();
    const size = (): Promise<never> => Promise.reject(new Error("no such file"));
    const client = await serveHttp({ ...engines, metadata: { ...engines.metadata, size } });
    const series = await scrape(client);
    expect(series.get("artifacts_mcp_store_up")).toBe(0);
    expect([...series.keys()].filter((name) => name.startsWith("artifacts_mcp_store_"))).toHaveLength(1);
    expect(series.get("process_cpu_seconds_total")).toBeGreaterThan(0);
  });
});

describe("createMetrics()", () => {
  const empty = { expired: 0, settled: 0, rows: 0, files: 0, artifacts: 0, failed: 0 };

  async function read(use: (metrics: ReturnType<typeof createMetrics>) => void) {
    const metrics = createMetrics("1");
    use(metrics);
    const { text } = await metrics.read();
    metrics.close();
    return seriesIn(text);
  }

  it("counts sweeps, what they have freed, and when one succeeded last", async () => {
    const last = "artifacts_mcp_sweep_last_success_timestamp_seconds";
    expect((await read(() => undefined)).has(last)).toBe(false);
    const failing = await read(({ swept }) => {
      swept({ report: { ...empty, failed: 1 }, ms: 1 });
      swept({ report: undefined, ms: 1 });
    });
    expect(failing.get('artifacts_mcp_sweeps_total{outcome="failed"}')).toBe(2);
    expect(failing.has(last)).toBe(false);
    const series = await read(({ swept }) => {
      swept({ report: { ...empty, artifacts: 3, expired: 2, files: 1, rows: 4 }, ms: 2_000 });
    });
    expect(Math.abs((series.get(last) ?? 0) - Date.now() / 1000)).toBeLessThan(2);
    expect(series.get('artifacts_mcp_sweeps_total{outcome="done"}')).toBe(1);
    expect(series.get("artifacts_mcp_sweep_duration_seconds_sum")).toBe(2);
    const freed = (kind: string) => series.get(`artifacts_mcp_sweep_freed_total{kind="${kind}"}`);
    expect(["artifacts", "uploads", "files", "rows"].map(freed)).toEqual([3, 2, 1, 4]);
  });

  it("counts calls of tools by their outcome", async () => {
    const series = await read(({ toolCalled }) => {
      toolCalled({ tool: "save_artifact", outcome: "done", ms: 5 });
      toolCalled({ tool: "save_artifact", outcome: "error", ms: 5 });
    });
    const calls = (outcome: string) => `artifacts_mcp_tool_calls_total{tool="save_artifact",outcome="${outcome}"}`;
    expect(["done", "error", "cancelled"].map((outcome) => series.get(calls(outcome)))).toEqual([1, 1, undefined]);
    expect(series.get('artifacts_mcp_tool_call_duration_seconds_sum{tool="save_artifact"}')).toBe(0.01);
  });

  it("shares nothing with another server in this process", async () => {
    const [first, second] = [createMetrics("1"), createMetrics("2")];
    first.ended({ route: "/a", method: "GET", status: 200, seconds: 1 });
    first.watchStore({ size: () => createMemoryEngines().metadata.size("") }, silentLog);
    expect((await first.read()).text).toContain('route="/a"');
    const { text } = await second.read();
    expect(text).not.toContain('route="/a"');
    expect(text).not.toContain("artifacts_mcp_store_up");
    first.close();
    second.close();
  });
});
