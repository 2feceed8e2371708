import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../src/store/model/errors.js";
import { defaultPieceLimits, type PieceLimits } from "../../src/store/model/limits.js";
import type { ArtifactRecord } from "../../src/store/model/records.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";
import type { Store } from "../../src/store/store.js";
import { expectListed, expectNothingLeaked, expectSound } from "../support/invariants.js";
import { bytesOf, createMemoryEngines, noRowPieces, saveText, storeOn, textOf, tinyPieces } from "../support/stores.js";

/** The engines of one process. Each step waits until the scheduler lets it continue. */
function scheduled<Engines extends object>(engines: Engines, scheduler: fc.Scheduler): Engines {
  const wrapped = Object.entries(engines).map(([name, value]) => {
    if (typeof value !== "function" || name === "shardOf" || name === "pathOf") return [name, value];
    return [
      name,
      async (...values: unknown[]) => {
        await scheduler.schedule(Promise.resolve(), name);
        return value.apply(engines, values);
      },
    ];
  });
  return Object.fromEntries(wrapped) as Engines;
}

/** Operations on session `id` or on its key, one in each process. They may fail only with one of `expectedCodes`. */
const operations: Readonly<Record<string, (store: Store, id: string) => Promise<unknown>>> = {
  complete: ({ uploads }, id) => uploads.complete(id),
  "complete under if_version 1": ({ uploads }, id) => uploads.complete(id, { if_version: 1 }),
  "append the last bytes": ({ uploads }, id) => uploads.append(id, 3, bytesOf("def")),
  "append other bytes": ({ uploads }, id) => uploads.append(id, 3, bytesOf("xyz")),
  get: ({ uploads }, id) => uploads.get(id),
  abort: ({ uploads }, id) => uploads.abort(id),
  save: (store) => saveText(store, "b", "k", "saved"),
  "save under if_version 1": (store) => saveText(store, "b", "k", "guarded", 1),
  "save that expires": ({ artifacts }) =>
    artifacts.save({ bucket: "b", key: "k", bytes: bytesOf("abc"), defaultMimeType: "text/plain", expires_in: 3_600 }),
  "update metadata": ({ artifacts }) => artifacts.update({ bucket: "b", key: "k", metadata: { said: "one" } }),
  "update under if_version 1": ({ artifacts }) =>
    artifacts.update({ bucket: "b", key: "k", metadata: { said: "two" }, merge: true, if_version: 1 }),
  "delete all": ({ artifacts }) => artifacts.delete("b", "k"),
  "delete version 1": ({ artifacts }) => artifacts.delete("b", "k", { version: 1 }),
  async "extend the newest version"(store) {
    const { id, offset } = await store.uploads.create({ bucket: "b", key: "k", from: { bucket: "b", key: "k" } });
    await store.uploads.append(id, offset, bytesOf("+"));
    await store.uploads.complete(id);
  },
  read: (store) => textOf(store, "b", "k"),
  copy: ({ artifacts }) => artifacts.copy({ bucket: "b", key: "k", to_key: "c" }),
  "bring version 1 back": ({ artifacts }) => artifacts.copy({ bucket: "b", key: "k", version: 1 }),
  move: ({ artifacts }) => artifacts.copy({ bucket: "b", key: "k", to_key: "c", move: true }),
  "move back": ({ artifacts }) => artifacts.copy({ bucket: "b", key: "c", to_key: "k", move: true, if_version: 1 }),
  "delete under": async ({ artifacts }) => {
    const found = await artifacts.deleteUnder({ bucket: "b", prefix: "" });
    if ("confirm" in found) await artifacts.deleteUnder({ bucket: "b", prefix: "", confirm: found.confirm });
  },
};
const expectedCodes = [
  "artifact_not_found",
  "session_closed",
  "offset_conflict",
  "version_conflict",
  "size_exceeded",
  "incomplete",
];

/** Adds the session of each version to `published` when the version is published. */
function recordPublications(metadata: MetadataStore, published: string[]): MetadataStore {
  const sessionsIn = (text: string | undefined): string[] =>
    text === undefined ? [] : (JSON.parse(text) as ArtifactRecord).versions.map(({ session }) => session);
  return {
    ...metadata,
    async change(rows, pieces) {
      const won = await metadata.change(rows, pieces);
      for (const { key, old, next } of won ? rows : []) {
        if (!key.startsWith("artifact\t")) continue;
        const before = sessionsIn(old);
        const added = sessionsIn(next).filter((session) => !before.includes(session));
        published.push(...new Set(added)); // versions that are moved together share a session
      }
      return won;
    },
  };
}

interface Upload {
  readonly size?: number;
  readonly if_version?: number;
  readonly pieceLimits?: PieceLimits;
}

/** Runs the operations at the same time, each in a process of its own, with their steps in the scheduler's order. */
async function race(
  scheduler: fc.Scheduler,
  names: readonly string[],
  before: string | undefined,
  { pieceLimits = defaultPieceLimits, ...upload }: Upload,
) {
  const engines = createMemoryEngines();
  const published: string[] = [];
  const metadata = recordPublications(engines.metadata, published);
  const options = { keepVersions: 2, pieceLimits };
  const quiet = storeOn({ metadata, content: engines.content }, { pieceLimits });
  if (before !== undefined) await saveText(quiet, "b", "k", before);
  const { id } = await quiet.uploads.create({
    bucket: "b",
    key: "k",
    mime_type: "text/plain",
    checksGuardAtEnd: true,
    ...upload,
  });
  await quiet.uploads.append(id, 0, bytesOf("abc"));

  const running = names.map(async (name) => {
    const content = scheduled(engines.content, scheduler);
    const store = storeOn({ metadata: scheduled(metadata, scheduler), content }, options);
    const error = await operations[name]?.(store, id).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) return;
    const code = error instanceof ArtifactError ? error.code : String(error);
    expect(expectedCodes, `${name}: ${code}`).toContain(code);
  });
  await scheduler.waitFor(Promise.all(running));
  expectSound(engines);
  expectListed(engines);

  // Another process ends what is unfinished. Then a row must name every piece.
  await quiet.uploads.complete(id).catch((error) => expect(expectedCodes).toContain(error.code));
  await quiet.uploads.abort(id).catch((error) => expect(error.code).toBe("session_closed"));
  expectSound(engines);
  expectNothingLeaked(engines);
  expect(new Set(published).size, "a deleted version was published a second time").toBe(published.length);
}

const places = [defaultPieceLimits, noRowPieces, tinyPieces];
const uploads: readonly Upload[] = [{}, { size: 6 }, { if_version: 0 }].flatMap((upload) =>
  places.map((pieceLimits) => ({ ...upload, pieceLimits })),
);
const contents = fc.constantFrom(undefined, "before", "abc");

describe("operations at the same time, in any order of their steps,", () => {
  it.each(uploads)("keep the bytes of every version and leave nothing behind: any operations on %j", async (upload) => {
    const names = fc.array(fc.constantFrom(...Object.keys(operations)), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), names, contents, (scheduler, chosen, before) =>
        race(scheduler, chosen, before, upload),
      ),
      { numRuns: 250 },
    );
  });

  it.each([
    ["complete", "abort"],
    ["complete", "complete", "abort"],
    ["complete", "delete all"],
    ["complete", "complete", "delete all"],
    ["complete", "complete", "delete version 1"],
    ["complete", "save", "delete all"],
    ["append the last bytes", "append other bytes", "abort"],
    ["move", "move", "save"],
    ["move", "move back", "save"],
    ["move", "complete", "delete all"],
    ["move", "copy", "delete under"],
  ])("keep the bytes of every version and leave nothing behind: %s and %s, %s", async (...names) => {
    const chosen = names.filter((name) => name in operations);
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), contents, fc.constantFrom(...places), (scheduler, before, pieceLimits) =>
        race(scheduler, chosen, before, { pieceLimits }),
      ),
      { numRuns: 600 },
    );
  });

  it("lose no edit: three processes count in the metadata, each under the guard that it has read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const engines = createMemoryEngines();
        await saveText(storeOn(engines), "b", "k", "text");
        const counting = [1, 2, 3].map(async () => {
          const { artifacts } = storeOn({ ...engines, metadata: scheduled(engines.metadata, scheduler) });
          for (let made = 0; made < 2; ) {
            const { version, edit, metadata } = await artifacts.get("b", "k");
            const count = String(Number(metadata["count"] ?? 0) + 1);
            const guard = { if_version: version, if_edit: edit, isStrict: true };
            const isMade = await artifacts.update({ bucket: "b", key: "k", metadata: { count }, ...guard }).then(
              () => true,
              (error) => {
                expect(error.code).toBe("version_conflict");
                return false;
              },
            );
            if (isMade) made += 1;
          }
        });
        await scheduler.waitFor(Promise.all(counting));
        const { artifacts } = storeOn(engines);
        expect(await artifacts.get("b", "k")).toMatchObject({ version: 1, edit: 6, metadata: { count: "6" } });
      }),
      { numRuns: 200 },
    );
  });

  it("never report bytes as lost that are there, when an upload in conflict is completed while others look at it", async () => {
    const chosen = ["complete", "complete under if_version 1", "complete"];
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), (scheduler) =>
        race(scheduler, chosen, "before", { if_version: 0, pieceLimits: noRowPieces }),
      ),
      { numRuns: 1_500 },
    );
  });
});
