import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/cli/options/config-error.js";
import { addressOf, readAddress } from "../../../src/cli/store-commands/address.js";

describe("readAddress()", () => {
  it.each([
    ["b", "b", "", undefined],
    ["b/", "b", "", undefined],
    ["b/a/k.txt", "b", "a/k.txt", undefined],
    ["b/k@3", "b", "k", 3],
    ["b/k@3@latest", "b", "k@3", undefined],
    ["b/k@latest", "b", "k", undefined],
    ["b/me@example.com", "b", "me@example.com", undefined],
    ["s3://b/k", "b", "k", undefined],
    ["artifact://b/k@2", "b", "k", 2],
  ])("reads %s", (text, bucket, key, version) => {
    expect(readAddress(text)).toEqual({ bucket, key, version });
  });

  it.each(["", "/k", "s3:///k", "./file", "../file", "~/file", "/tmp/file", "."])("refuses %j", (text) => {
    expect(() => readAddress(text)).toThrow(ConfigError);
  });
});

describe("addressOf()", () => {
  it.each(["k", "a/b c", "k@3", "k@latest", "k@3@latest", "@3", "k@x", "k@1234567890123456"])(
    "writes what readAddress() reads as the key %s",
    (key) => {
      expect(readAddress(addressOf({ bucket: "b", key }))).toEqual({ bucket: "b", key, version: undefined });
    },
  );
});
