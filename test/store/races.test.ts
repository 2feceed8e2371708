import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArtifactError } from "../../src/store/model/errors.js";
import type { ArtifactRecord } from "../../src/store/model/records.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";
import type { Store } from "../../src/store/store.js";
import { expectNothingLeaked, expectSound } from "../support/invariants.js";
import { bytesOf, createMemoryEngines, saveText, storeOn, textOf } from "../support/stores.js";

/** The engines of one process, each step of which waits until the schedule lets it go on. */
function scheduled<Engines extends object>(engines: Engines, scheduler: fc.Scheduler): Engines {
  const wrapped = Object.entries(engines).map(([name, value]) => {
    if (typeof value !== "function") return [name, value];
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

/** Operations, one a process, on session `id` or on its key. Each may only fail in a way that its caller can act on. */
const operations: Readonly<Record<string, (store: Store, id: string) => Promise<unknown>>> = {
  complete: ({ uploads }, id) => uploads.complete(id),
  "complete under if_version 1": ({ uploads }, id) => uploads.complete(id, { if_version: 1 }),
  "append the last bytes": ({ uploads }, id) => uploads.append(id, 3, bytesOf("def")),
  "append other bytes": ({ uploads }, id) => uploads.append(id, 3, bytesOf("xyz")),
  get: ({ uploads }, id) => uploads.get(id),
  abort: ({ uploads }, id) => uploads.abort(id),
  save: (store) => saveText(store, "b", "k", "saved"),
  "save under if_version 1": (store) => saveText(store, "b", "k", "guarded", 1),
  "delete all": ({ artifacts }) => artifacts.delete("b", "k"),
  "delete version 1": ({ artifacts }) => artifacts.delete("b", "k", 1),
  read: (store) => textOf(store, "b", "k"),
};
const expectedCodes = [
  ...["artifact_not_found", "session_closed", "offset_conflict", "version_conflict", "size_exceeded"],
  ...["incomplete"],
];

/** The session of every version that ever came to be, in the order of their publication. */
function recordPublications(metadata: MetadataStore, published: string[]): MetadataStore {
  const sessionsIn = (text: string | undefined): string[] =>
    text === undefined ? [] : (JSON.parse(text) as ArtifactRecord).versions.map(({ session }) => session);
  return {
    ...metadata,
    async replace(key, old, next, guard) {
      const won = await metadata.replace(key, old, next, guard);
      if (won && key.startsWith("artifact:")) {
        const before = sessionsIn(old);
        published.push(...sessionsIn(next).filter((session) => !before.includes(session)));
      }
      return won;
    },
  };
}

interface Upload {
  readonly size?: number;
  readonly if_version?: number;
}

/** Runs the operations at once, in the schedule's order of steps, each as a process of its own. */
async function race(scheduler: fc.Scheduler, names: readonly string[], before: string | undefined, upload: Upload) {
  const engines = createMemoryEngines();
  const published: string[] = [];
  const metadata = recordPublications(engines.metadata, published);
  const quiet = storeOn({ metadata, blobs: engines.blobs });
  if (before !== undefined) await saveText(quiet, "b", "k", before);
  const { id } = await quiet.uploads.create({ bucket: "b", key: "k", mime_type: "text/plain", ...upload });
  await quiet.uploads.append(id, 0, bytesOf("abc"));

  const running = names.map(async (name) => {
    const blobs = scheduled(engines.blobs, scheduler);
    const store = storeOn({ metadata: scheduled(metadata, scheduler), blobs }, { keepVersions: 2 });
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

  // Whoever comes next ends what is unfinished; then everything has its owner.
  await quiet.uploads.complete(id).catch((error) => expect(expectedCodes).toContain(error.code));
  await quiet.uploads.abort(id).catch((error) => expect(error.code).toBe("session_closed"));
  expectSound(engines);
  expectNothingLeaked(engines);
  expect(new Set(published).size, "a deleted version was published again").toBe(published.length);
}

const uploads: readonly Upload[] = [{}, { size: 6 }, { if_version: 0 }];
const contents = fc.constantFrom(undefined, "before", "abc");

describe("operations at once, in any order of their steps", () => {
  it.each(uploads)("leave every version with its bytes and nothing behind: any of them on %j", async (upload) => {
    const names = fc.array(fc.constantFrom(...Object.keys(operations)), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), names, contents, (scheduler, chosen, before) =>
        race(scheduler, chosen, before, upload),
      ),
      { numRuns: 500 },
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
  ])("leave every version with its bytes and nothing behind: %s and %s, %s", async (...names) => {
    const chosen = names.filter((name) => name in operations);
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), contents, (scheduler, before) => race(scheduler, chosen, before, {})),
      { numRuns: 400 },
    );
  });

  it("never call bytes lost that are there, where a held upload is completed while others look at it", async () => {
    const chosen = ["complete", "complete under if_version 1", "complete"];
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), (scheduler) => race(scheduler, chosen, "before", { if_version: 0 })),
      { numRuns: 1_500 },
    );
  });
});
