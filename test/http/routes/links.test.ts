import { describe, expect, it } from "vitest";
import { HttpLinks } from "../../../src/http/links.js";
import { readTarget } from "../../../src/http/message/target.js";
import { matchPath } from "../../../src/http/route.js";

function linksAt(nowSeconds: () => number): HttpLinks {
  const links = new HttpLinks(new Uint8Array(32), nowSeconds);
  links.origin = "http://h:1";
  return links;
}

function read(url: string) {
  const { segments, query } = readTarget(url.slice("http://h:1".length));
  const { bucket = "", key = "" } = matchPath("/v1/content/{bucket}/{key}", segments) ?? {};
  const version = { bucket, key, version: Number(query.get("version")) };
  return { version, expires: Number(query.get("expires")), code: query.get("signature") ?? "" };
}

describe("a download URL", () => {
  it.each(["k", "a/b c.csv", "报告/é", "100%41?#&+='\"", "😀"])("of %j names it and opens it", (key) => {
    const links = linksAt(() => 1_000);
    const version = { bucket: "b.c", key, version: 3 };
    const url = links.download(version) ?? "";
    expect(new URL(url).href).toBe(url);
    const given = read(url);
    expect(given).toMatchObject({ version, expires: 4_600 });
    expect(links.isDownload(given.version, given.expires, given.code)).toBe(true);
  });

  it("opens nothing else, and nothing after an hour", () => {
    let now = 1_000;
    const links = linksAt(() => now);
    const { version, expires, code } = read(links.download({ bucket: "b", key: "k", version: 1 }) ?? "");
    expect(links.isDownload({ ...version, version: 2 }, expires, code)).toBe(false);
    expect(links.isDownload({ ...version, key: "l" }, expires, code)).toBe(false);
    expect(links.isDownload({ ...version, bucket: "c" }, expires, code)).toBe(false);
    expect(links.isDownload(version, expires + 1, code)).toBe(false);
    expect(links.isDownload(version, expires, `${code}x`)).toBe(false);
    expect(links.isDownload(version, expires, "")).toBe(false);
    now = 4_600;
    expect(links.isDownload(version, expires, code)).toBe(false);
  });

  it("of what began to be readable at another time than now works for an hour from then", () => {
    let now = 1_000;
    const links = linksAt(() => now);
    const version = { bucket: "b", key: "k", version: 1 };
    const expiresOf = (url = "") => (url === "" ? undefined : read(url).expires);
    now = 4_599;
    expect(expiresOf(links.download(version, 1_000))).toBe(4_600);
    expect(expiresOf(links.download(version))).toBe(8_199);
    expect(expiresOf(links.download(version, 10 ** 9))).toBe(8_199); // by a clock that was ahead
    now = 4_600;
    expect(links.download(version, 1_000)).toBeUndefined();
  });

  it("is absent while nothing listens", () => {
    expect(new HttpLinks(new Uint8Array(32)).download({ bucket: "b", key: "k", version: 1 })).toBeUndefined();
  });
});
