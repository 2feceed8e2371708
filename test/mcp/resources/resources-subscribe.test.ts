import { describe, expect, it, vi } from "vitest";
import { temporaryDirectory } from "../../support/directories.js";
import { type Connection, connect, type Engines, openEngines } from "../../support/mcp-client.js";
import { patience } from "../../support/patience.js";
import { createMemoryEngines } from "../../support/stores.js";

const save = ({ answer }: Connection, bucket: string, key: string, content: string) =>
  answer("save_artifact", { bucket, key, content });
const told = ({ updated }: Connection, uri: string) => vi.waitFor(() => expect(updated).toContain(uri), patience);
const toldOfList = ({ listChanges }: Connection, times: number) =>
  vi.waitFor(() => expect(listChanges()).toBeGreaterThanOrEqual(times), patience);

/**
 * Opens two connections: both to one server, in memory or on a directory, or to two servers on one directory, like two
 * processes.
 */
const places: Record<string, () => Promise<[watcher: Connection, changer: Connection]>> = {
  "by the same server": async () => {
    const one = await connect(createMemoryEngines());
    return [one, one];
  },
  "by the same server on a directory": async () => {
    const one = await connect(await openEngines(await temporaryDirectory()));
    return [one, one];
  },
  "by another server on the directory": async () => {
    const directory = await temporaryDirectory();
    return [await connect(await openEngines(directory)), await connect(await openEngines(directory))];
  },
};

describe.each(Object.entries(places))("a change made %s", (_where, open) => {
  it("to the listing is reported: a new artifact, a new version, a deletion", async () => {
    const [watcher, changer] = await open();
    await save(changer, "b", "k", "one");
    await toldOfList(watcher, 1);
    for (const change of [
      () => save(changer, "b", "k", "two"),
      () => changer.answer("delete_artifact", { bucket: "b", key: "k", version: 1 }),
      () => changer.answer("delete_artifact", { bucket: "b", key: "k" }),
    ]) {
      const before = watcher.listChanges();
      await change();
      await toldOfList(watcher, before + 1);
    }
  });

  it("to a subscribed artifact is reported by the subscribed URI", async () => {
    const [watcher, changer] = await open();
    const uris = ["artifact://b/k", "artifact://b/%6B?version=1", "artifact://b", "artifact:///"];
    for (const uri of uris) await watcher.client.subscribeResource({ uri });
    await save(changer, "b", "k", "one");
    for (const uri of uris) await told(watcher, uri);
    watcher.updated.length = 0;
    await changer.answer("delete_artifact", { bucket: "b", key: "k" });
    for (const uri of uris) await told(watcher, uri);
  });

  it("to a subscribed upload is reported, and not as a change of the listing", async () => {
    const [watcher, changer] = await open();
    const { id, url: uri } = await changer.answer<{ id: string; url: string }>("create_upload_session", {
      bucket: "b",
      key: "k",
    });
    await watcher.client.subscribeResource({ uri });
    await changer.answer("upload_chunk", { session_id: id, offset: 0, data: "hello" });
    await told(watcher, uri);
    expect(watcher.listChanges()).toBe(0);
    watcher.updated.length = 0;
    await changer.answer("complete_upload_session", { session_id: id });
    await told(watcher, uri);
    await toldOfList(watcher, 1);
  });

  it("to a resource is not reported after it is unsubscribed", async () => {
    const [watcher, changer] = await open();
    for (const key of ["left", "kept"]) await watcher.client.subscribeResource({ uri: `artifact://b/${key}` });
    await watcher.client.unsubscribeResource({ uri: "artifact://b/left" });
    for (const key of ["left", "kept"]) await save(changer, "b", key, "x");
    await told(watcher, "artifact://b/kept");
    expect(watcher.updated).toEqual(["artifact://b/kept"]);
  });

  it("to another artifact is not reported as an update of a subscribed one", async () => {
    const [watcher, changer] = await open();
    for (const key of ["k", "k2"]) await watcher.client.subscribeResource({ uri: `artifact://b/${key}` });
    for (const key of ["K", "k2"]) await save(changer, "b", key, "x");
    await told(watcher, "artifact://b/k2");
    expect(watcher.updated).toEqual(["artifact://b/k2"]);
  });
});

describe("resources/subscribe", () => {
  it.each(["artifact://b/../k", "artifact://b/k#x", "b/k", "artifact://b/k?version=0"])("refuses %s", async (uri) => {
    const { client } = await connect(createMemoryEngines());
    await expect(client.subscribeResource({ uri })).rejects.toMatchObject({ code: -32602 });
  });

  it("accepts a URI that can never change here, and never reports it", async () => {
    const watcher = await connect(createMemoryEngines());
    await watcher.client.subscribeResource({ uri: "file:///etc/passwd" });
    await watcher.client.subscribeResource({ uri: "artifact://b/k" });
    await watcher.answer("save_artifact", { bucket: "b", key: "k", content: "x" });
    await told(watcher, "artifact://b/k");
    expect(watcher.updated).toEqual(["artifact://b/k"]);
    await watcher.client.unsubscribeResource({ uri: "file:///etc/passwd" });
  });

  it("reports a change once if a URI is subscribed twice, and one unsubscribe ends it", async () => {
    const one = await connect(createMemoryEngines());
    for (let n = 0; n < 2; n += 1) await one.client.subscribeResource({ uri: "artifact://b/k" });
    await one.client.subscribeResource({ uri: "artifact://b/last" });
    for (const key of ["k", "last"]) await save(one, "b", key, "x");
    await told(one, "artifact://b/last");
    expect(one.updated).toEqual(["artifact://b/k", "artifact://b/last"]);
    await one.client.unsubscribeResource({ uri: "artifact://b/k" });
    for (const key of ["k", "last"]) await save(one, "b", key, "y");
    await vi.waitFor(() => expect(one.updated).toHaveLength(3), patience);
    expect(one.updated.at(-1)).toBe("artifact://b/last");
  });

  it("reports nothing if a client only reads, or saves the same content again", async () => {
    const one = await connect(createMemoryEngines());
    await save(one, "b", "k", "same");
    await toldOfList(one, 1);
    const changes = one.listChanges();
    for (const key of ["k", "last"]) await one.client.subscribeResource({ uri: `artifact://b/${key}` });
    await save(one, "b", "k", "same");
    await one.client.readResource({ uri: "artifact://b/k" });
    const { url: uri } = await one.answer<{ url: string }>("create_upload_session", { bucket: "b", key: "last" });
    await one.client.subscribeResource({ uri });
    await one.answer("abort_upload_session", { session_id: uri.replace("artifact-upload://", "") });
    await told(one, uri);
    expect(one.updated).toEqual([uri]);
    expect(one.listChanges()).toBe(changes);
  });
});

describe("a server whose poll for changes fails", () => {
  /** Engines where `failOnce` makes the next read of a row fail, like a locked database. */
  function unreliable(engines: Engines) {
    let failing: string | undefined;
    const get = async (key: string): Promise<string | undefined> => {
      if (key !== failing) return engines.metadata.get(key);
      failing = undefined;
      throw new Error("SQLITE_BUSY");
    };
    const failOnce = (key: string): void => {
      failing = key;
    };
    return {
      engines: { ...engines, metadata: { ...engines.metadata, get } },
      failOnce,
      hasFailed: () => failing === undefined,
    };
  }

  it.each(["changed", "artifact\tb\tk"])("once, at the row %s, reports the change at the next poll", async (row) => {
    const engines = createMemoryEngines();
    const { engines: shaky, failOnce, hasFailed } = unreliable(engines);
    const [watcher, changer] = [await connect(shaky), await connect(engines)];
    await watcher.client.subscribeResource({ uri: "artifact://b/k" });
    failOnce(row);
    await save(changer, "b", "k", "x");
    await vi.waitFor(() => expect(hasFailed()).toBe(true), patience);
    await told(watcher, "artifact://b/k");
    await toldOfList(watcher, 1);
  });
});

it("a change found while the client leaves is not logged as a failure", async () => {
  const { metadata, content } = createMemoryEngines();
  const log = vi.fn();
  const watcher = await connect({ metadata, content }, { log });
  const { get } = metadata;
  let hasLeft = false;
  metadata.get = async (key) => {
    if (key === "changed") {
      await watcher.client.close();
      hasLeft = true;
    }
    return get(key);
  };
  await watcher.store.artifacts.save({
    bucket: "b",
    key: "k",
    bytes: Buffer.from("one"),
    defaultMimeType: "text/plain",
  });
  await vi.waitFor(() => expect(hasLeft).toBe(true), patience);
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).not.toHaveBeenCalledWith("warn", "watch_failed", expect.anything());
});
