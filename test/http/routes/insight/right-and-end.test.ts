import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createFakeAnalyses, untilAborted } from "../../../support/fake-analyses.js";
import { gate } from "../../../support/gate.js";
import { answerTo, bearer, type HttpClientOptions, serveHttp } from "../../../support/http-client.js";
import { createMemoryEngines, saveText } from "../../../support/stores.js";

const urls = ["/v1/describe/b/k", "/v1/rows/b/k", "/v1/compare?bucket=b&key=k"];

async function served(answer: Parameters<typeof createFakeAnalyses>[0], options: HttpClientOptions = {}) {
  const engines = createMemoryEngines();
  const { store } = await serveHttp(engines);
  for (const text of ["1", "2"]) await saveText(store, "b", "k", text);
  return serveHttp(engines, { analyses: createFakeAnalyses(answer), ...options });
}

/** A server whose analyses end only when they are aborted. `begun` and `aborted` tell of the first one. */
async function waiting(options: HttpClientOptions = {}) {
  const [begun, aborted] = [gate(), gate()];
  const client = await served(async (call) => {
    call.signal?.addEventListener("abort", aborted.open);
    begun.open();
    return untilAborted(call);
  }, options);
  return { ...client, begun: begun.passed, aborted: aborted.passed };
}

describe.each(urls)("GET %s", (url) => {
  it("needs the token: a signed download URL does not open it", async () => {
    const { askAsStranger, signedUrls } = await served(() => ({}));
    const { search } = new URL(signedUrls.download({ bucket: "b", key: "k", version: 2 }) ?? "");
    const signed = url.includes("?") ? `${url}&${search.slice(1)}` : `${url}${search}`;
    expect((await askAsStranger("GET", url)).status).toBe(401);
    expect((await askAsStranger("GET", signed)).status).toBe(401);
  });

  it("works on a read-only server, and takes no other method", async () => {
    const { ask } = await served(() => ({}), { readOnly: true });
    expect((await ask("GET", url)).status).toBe(200);
    for (const method of ["PUT", "POST", "PATCH", "DELETE"]) {
      const { status, headers } = await ask(method, url);
      expect({ status, allow: headers["allow"] }).toEqual({ status: 405, allow: "GET, OPTIONS" });
    }
  });

  it("is refused to pages of other origins, unless they are allowed", async () => {
    const { ask } = await served(() => ({}), { origins: ["https://app.example"] });
    const from = (origin: string) => ask("GET", url, { headers: { origin } });
    expect((await from("https://evil.example")).status).toBe(403);
    const { status, headers } = await from("https://app.example");
    expect({ status, allowed: headers["access-control-allow-origin"] }).toEqual({
      status: 200,
      allowed: "https://app.example",
    });
    expect(headers["access-control-expose-headers"]).toMatch(/\bLink\b.*\bRows\b/);
  });

  it("aborts its analysis when the client disconnects", async () => {
    const { begin, begun, aborted } = await waiting();
    const request = begin("GET", url, bearer);
    request.end();
    await begun;
    request.destroy();
    await aborted;
  });

  it("is answered with 503 when the server stops meanwhile", async () => {
    const { begin, begun, stop } = await waiting();
    const request = begin("GET", url, bearer);
    request.end();
    await begun;
    const [{ status, headers, json }] = await Promise.all([answerTo(request), stop()]);
    expect({ status, ...json }).toMatchObject({ status: 503, code: "unavailable" });
    expect(headers["retry-after"]).toBe("5");
  });
});

it("refuses a ninth request at a time, and takes one again after an end", async () => {
  const [all, goOn] = [gate(), gate()];
  let begun = 0;
  const { ask, begin } = await served(async () => {
    begun += 1;
    if (begun === 8) all.open();
    await goOn.passed;
    return {};
  });
  // Not descriptions: those of one content share an analysis.
  const requests = Array.from({ length: 8 }, (_, index) => begin("GET", urls[1 + (index % 2)] ?? "", bearer));
  const answers = requests.map(answerTo);
  for (const request of requests) request.end();
  await all.passed;
  const { status, headers, json } = await ask("GET", urls[1] ?? "");
  expect({ status, ...json }).toMatchObject({ status: 503, code: "unavailable" });
  expect(headers["retry-after"]).toBe("5");
  goOn.open();
  expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual(requests.map(() => 200));
  expect((await ask("GET", urls[1] ?? "")).status).toBe(200);
});

it("a client that has ended its own side still gets its answer", async () => {
  const [begun, goOn] = [gate(), gate()];
  const { origin } = await served(async () => {
    begun.open();
    await goOn.passed;
    return { format: "text" };
  });
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let heard = "";
  const interim = gate();
  socket.setEncoding("latin1").on("data", (text: string) => {
    heard += text;
    if (heard.includes("HTTP/1.1 102 Processing\r\n\r\n")) interim.open();
  });
  socket.end(`GET ${urls[0]} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${bearer.authorization}\r\n\r\n`);
  await begun.passed;
  await interim.passed;
  goOn.open();
  await once(socket, "end");
  expect(heard).toMatch(/\r\n\r\nHTTP\/1\.1 200 OK\r\n.*"description":\{"format":"text"\}/s);
});
