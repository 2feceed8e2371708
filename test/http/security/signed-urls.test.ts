import { describe, expect, it } from "vitest";
import { readTarget } from "../../../src/http/message/target.js";
import { matchPath } from "../../../src/http/route.js";
import { SignedUrls } from "../../../src/http/security/signed-urls.js";
import { serveHttp } from "../../support/http-client.js";
import { downloadUrl, uploadUrl } from "../../support/signed-urls.js";
import { createMemoryEngines, saveText } from "../../support/stores.js";

const unauthorized = { status: 401, json: { code: "unauthorized" } };

function urlsAt(nowSeconds: () => number): SignedUrls {
  const urls = new SignedUrls(new Uint8Array(32), nowSeconds);
  urls.origin = "http://h:1";
  return urls;
}

function read(url: string) {
  const { segments, query } = readTarget(url.slice("http://h:1".length));
  const { bucket = "", key = "" } = matchPath("/v1/content/{bucket}/{key}", segments) ?? {};
  const [version = "", expires, signature = ""] = ["version", "expires", "signature"].map(
    (name) => query.get(name)?.[0],
  );
  return { version: { bucket, key, version: Number(version) }, expires: Number(expires), signature };
}

describe("download()", () => {
  it.each(["k", "a/b c.csv", "报告/é", "100%41?#&+='\"", "😀"])(
    "returns a valid URL for %j that authorizes its version",
    (key) => {
      const urls = urlsAt(() => 1_000);
      const version = { bucket: "b.c", key, version: 3 };
      const url = urls.download(version) ?? "";
      expect(new URL(url).href).toBe(url);
      const given = read(url);
      expect(given).toMatchObject({ version, expires: 4_600 });
      expect(urls.isDownload(given.version, given.expires, given.signature)).toBe(true);
    },
  );

  it("returns a URL that authorizes nothing else, and nothing after an hour", () => {
    let now = 1_000;
    const urls = urlsAt(() => now);
    const { version, expires, signature } = read(urls.download({ bucket: "b", key: "k", version: 1 }) ?? "");
    expect(urls.isDownload({ ...version, version: 2 }, expires, signature)).toBe(false);
    expect(urls.isDownload({ ...version, key: "l" }, expires, signature)).toBe(false);
    expect(urls.isDownload({ ...version, bucket: "c" }, expires, signature)).toBe(false);
    expect(urls.isDownload(version, expires + 1, signature)).toBe(false);
    expect(urls.isDownload(version, expires, `${signature}x`)).toBe(false);
    expect(urls.isDownload(version, expires, "")).toBe(false);
    now = 4_600;
    expect(urls.isDownload(version, expires, signature)).toBe(false);
  });

  it("returns a URL for an hour from the given time, but for at most an hour from now", () => {
    let now = 1_000;
    const urls = urlsAt(() => now);
    const version = { bucket: "b", key: "k", version: 1 };
    const expiresOf = (url = "") => (url === "" ? undefined : read(url).expires);
    now = 4_599;
    expect(expiresOf(urls.download(version, 1_000))).toBe(4_600);
    expect(expiresOf(urls.download(version))).toBe(8_199);
    expect(expiresOf(urls.download(version, 10 ** 9))).toBe(8_199); // the given time is from a clock that was ahead
    now = 4_600;
    expect(urls.download(version, 1_000)).toBeUndefined();
  });

  it("returns undefined before the server listens", () => {
    expect(new SignedUrls(new Uint8Array(32)).download({ bucket: "b", key: "k", version: 1 })).toBeUndefined();
  });
});

describe("an upload URL", () => {
  it("authorizes only its own session", async () => {
    const client = await serveHttp();
    const [mine, other] = [await uploadUrl(client, "mine"), await uploadUrl(client, "other")];
    const swapped = mine.replace(/\.[^.]*$/, `.${other.split(".").at(-1)}`);
    for (const url of [
      swapped,
      `${mine}x`,
      `${mine}.x`,
      mine.slice(0, -1),
      mine.replace(/\.[^.]*$/, ""),
      mine.replace(/\.[^.]*$/, "."),
    ]) {
      for (const method of ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]) {
        expect((await client.askAsStranger(method, url)).status).toSatisfy((status) => [401, 429].includes(status));
      }
    }
    expect(await client.askAsStranger("PUT", mine, { body: "hello" })).toMatchObject({
      status: 200,
      json: { bytes: 5 },
    });
  });

  it("has a signature of more than 128 bits, which depends on the key", async () => {
    const engines = createMemoryEngines();
    const client = await serveHttp(engines);
    const url = await uploadUrl(client);
    expect(url).toMatch(/\.[\w-]{22}$/);
    const same = await serveHttp(engines);
    const other = await serveHttp(engines, { signingKey: Buffer.alloc(32, 8) });
    const { pathname } = new URL(url);
    expect((await same.askAsStranger("GET", pathname)).status).toBe(200);
    expect(await other.askAsStranger("GET", pathname)).toMatchObject(unauthorized);
  });
});

describe("the URL of a complete upload", () => {
  it("answers with download URLs for an hour, and these then stop working", async () => {
    let now = 1_000_000;
    const client = await serveHttp(undefined, { nowSeconds: () => now, now: () => now * 1_000 });
    const url = await uploadUrl(client);
    const done = await client.askAsStranger("PUT", url, { body: "hello" });
    expect(done.json["url"]).toContain("/v1/content/b/k?");
    now += 3_599;
    const { artifact } = (await client.askAsStranger("GET", url)).json as { artifact: { url: string } };
    expect((await client.askAsStranger("GET", artifact.url)).text).toBe("hello");
    now += 1;
    expect(await client.askAsStranger("GET", artifact.url)).toMatchObject(unauthorized);
    const session = await client.askAsStranger("GET", url);
    expect(session).toMatchObject({ status: 200, json: { status: "complete", artifact: { bytes: 5 } } });
    const replays = [
      await client.askAsStranger("PUT", url, { body: "hello" }),
      await client.askAsStranger("PUT", url, { body: "hello", headers: { "upload-complete": "?1" } }),
      await client.askAsStranger("POST", url, { headers: { "upload-offset": "5" } }),
    ];
    for (const { status, json } of replays) expect({ status, json }).toMatchObject({ status: 200, json: { bytes: 5 } });
    for (const { text } of [session, ...replays]) expect(text).not.toContain("/v1/content/");
    expect((await client.ask("GET", "/v1/artifacts/b/k")).json["url"]).toContain("/v1/content/b/k?");
  });

  it("gives the content by tus for an hour, and for longer with the token", async () => {
    let now = 1_000_000;
    const client = await serveHttp(undefined, { nowSeconds: () => now, now: () => now * 1_000 });
    const { id } = await client.store.uploads.create({ bucket: "b", key: "k", size: 5 });
    const url = client.signedUrls.uploadPath(id, "/v1/tus/");
    now += 100_000;
    await client.askAsStranger("PUT", client.signedUrls.uploadPath(id), { body: "hello" });
    now += 3_599;
    expect((await client.askAsStranger("GET", url)).text).toBe("hello");
    now += 1;
    const over = await client.askAsStranger("GET", url);
    expect(over).toMatchObject({ status: 410, json: { code: "gone" } });
    expect(over.json["detail"]).toContain("Bearer TOKEN");
    expect((await client.ask("GET", url)).text).toBe("hello");
  });
});

describe("a download URL", () => {
  it("authorizes reading its version, and nothing else", async () => {
    const client = await serveHttp();
    const url = await downloadUrl(client);
    await downloadUrl(client, "k", "newer");
    await downloadUrl(client, "other");
    expect(await client.askAsStranger("GET", url)).toMatchObject({ status: 200, text: "hello" });
    expect(await client.askAsStranger("HEAD", url)).toMatchObject({ status: 200, text: "" });
    const others = [
      url.replace("version=1", "version=2"),
      url.replace("version=1&", ""),
      url.replace("/b/k?", "/b/other?"),
      url.replace(/expires=(\d+)/, (_, at: string) => `expires=${Number(at) + 1}`),
      url.replace(/signature=.*/, "signature="),
      `${url}x`,
    ];
    for (const other of others) expect(await client.askAsStranger("GET", other)).toMatchObject(unauthorized);
    expect((await client.askAsStranger("PUT", url, { body: "x" })).status).toBe(401);
    expect((await client.askAsStranger("GET", url.replace("/v1/content/", "/v1/artifacts/"))).status).toBe(401);
  });

  it("is valid for an hour", async () => {
    let now = 1_000_000;
    const client = await serveHttp(undefined, { nowSeconds: () => now });
    const url = await downloadUrl(client);
    now += 3_599;
    expect((await client.askAsStranger("GET", url)).status).toBe(200);
    now += 1;
    const expired = await client.askAsStranger("GET", url);
    expect(expired).toMatchObject(unauthorized);
    expect(expired.json["detail"]).toContain("fresh one");
  });

  it("opens nothing after its version was deleted, even if the key is saved again", async () => {
    const client = await serveHttp();
    const url = await downloadUrl(client);
    await client.store.artifacts.delete("b", "k");
    const gone = { status: 404, json: { code: "artifact_not_found" } };
    expect(await client.askAsStranger("GET", url)).toMatchObject(gone);
    // A version number is never given twice.
    expect((await saveText(client.store, "b", "k", "secret")).version).toBe(2);
    expect(await client.askAsStranger("GET", url)).toMatchObject(gone);
  });
});
