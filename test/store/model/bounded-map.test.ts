import { describe, expect, it } from "vitest";
import { BoundedMap } from "../../../src/store/model/bounded-map.js";

describe("BoundedMap", () => {
  it("drops the value that was set first if there are too many", () => {
    const map = new BoundedMap<string>(2);
    for (const key of ["a", "b", "c"]) map.set(key, key);
    expect(["a", "b", "c"].map((key) => map.get(key))).toEqual([undefined, "b", "c"]);
  });

  it("keeps a value that was set again, and not one that was only read", () => {
    const map = new BoundedMap<number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.set("a", 3);
    expect(map.get("b")).toBe(2);
    map.set("c", 4);
    expect(["a", "b", "c"].map((key) => map.get(key))).toEqual([3, undefined, 4]);
  });

  it("drops as many values as a heavy one takes the place of, and counts deleted and replaced ones no more", () => {
    const map = new BoundedMap<string>(10, (text) => text.length);
    map.set("a", "aaaa");
    map.set("b", "bbbb");
    map.set("c", "cccccc");
    expect(["a", "b", "c"].map((key) => map.get(key))).toEqual([undefined, "bbbb", "cccccc"]);
    map.set("c", "c");
    map.delete("b");
    map.delete("none");
    map.set("d", "ddddddddd");
    expect([map.get("c"), map.get("d")]).toEqual(["c", "ddddddddd"]);
  });

  it("does not keep a value that is too heavy alone, and then has none under its key", () => {
    const map = new BoundedMap<string>(3, (text) => text.length);
    map.set("a", "aa");
    map.set("b", "b");
    map.set("a", "aaaa");
    expect([map.get("a"), map.get("b")]).toEqual([undefined, "b"]);
  });
});
