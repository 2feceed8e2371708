import { describe, expect, it } from "vitest";
import { Dead, mortal } from "../../support/faults.js";
import { fillStore } from "../../support/filled-store.js";
import { gate } from "../../support/gate.js";
import { expectListed, expectNothingLeft, expectSound } from "../../support/invariants.js";
import { createMemoryBackupFiles } from "../../support/memory-backup-files.js";
import { factsIn } from "../../support/store-facts.js";
import { createMemoryEngines, saveText, storeOn, tinyPieces } from "../../support/stores.js";

const options = { pieceLimits: tinyPieces, keepVersions: 3 };

async function backedUp() {
  const engines = createMemoryEngines();
  await fillStore(engines, 7, 60);
  const { files } = createMemoryBackupFiles();
  await storeOn(engines, options).backUp(createMemoryBackupFiles(files));
  return { engines, files };
}

async function restoredFacts(files: Map<string, Buffer>) {
  const engines = createMemoryEngines();
  const report = await storeOn(engines, options).restore(createMemoryBackupFiles(files));
  expect(report.problems).toEqual([]);
  return factsIn(engines);
}

describe("A process that dies at any step", () => {
  it("of backUp() leaves the backup before whole, and the next one continues", async () => {
    const { engines, files } = await backedUp();
    const before = await factsIn(engines);
    const store = storeOn(engines, options);
    for (const text of ["new", "and newer", "x"]) await saveText(store, "b", text, text.repeat(3));
    await store.artifacts.delete("b", "x");
    await store.artifacts.copy({ bucket: "b", key: "new", to_key: "moved", move: true });
    const now = await factsIn(engines);
    const written: string[] = [];
    for (let last = 1; ; last += 1) {
      const copy = new Map(files);
      let step = 0;
      const dying = createMemoryBackupFiles(copy, (name) => {
        step += 1;
        if (step >= last) throw new Dead(name);
        written.push(name);
      });
      const isWhole = await storeOn(engines, options)
        .backUp(dying)
        .then(
          () => true,
          (error) => {
            expect(error).toBeInstanceOf(Dead);
            return false;
          },
        );
      const facts = await restoredFacts(copy);
      if (isWhole || written.includes("commit backup.json")) expect(facts).toEqual(now);
      else expect(facts).toEqual(before);
      written.length = 0;
      await storeOn(engines, options).backUp(createMemoryBackupFiles(copy));
      expect(await restoredFacts(copy)).toEqual(now);
      const fresh = createMemoryBackupFiles();
      await storeOn(engines, options).backUp(fresh);
      expect([...copy.keys()].sort()).toEqual([...fresh.files.keys()].sort()); // nothing is left over
      if (isWhole) return;
    }
  });

  it.each([false, true])(
    "of restore() leaves a sound store, and the next one goes on (after the step: %s)",
    async (after) => {
      const { engines, files } = await backedUp();
      const wanted = await factsIn(engines);
      let isResumed = 0;
      for (let last = 1; ; last += 1) {
        const target = createMemoryEngines();
        const dying = mortal(target, last, after);
        const isDone = await storeOn(dying, options)
          .restore(createMemoryBackupFiles(files))
          .then(
            () => true,
            (error) => {
              expect(String(error), error.stack).toMatch(/dead/);
              return false;
            },
          );
        expectSound({ metadata: target.metadata, content: target.content });
        expectListed({ metadata: target.metadata, content: target.content });
        const known = await factsIn(target);
        for (const [name, fact] of Object.entries(known)) expect(fact, name).toEqual(wanted[name]);
        if (isDone) break;
        const isOver = Object.keys(known).length > 0 && !target.metadata.rows.has("restore");
        if (isOver) continue; // it died after its last step
        if (target.metadata.rows.has("restore")) isResumed += 1;
        const report = await storeOn(target, options).restore(createMemoryBackupFiles(files));
        expect(report.problems).toEqual([]);
        expect(report.verified.faults).toEqual([]);
        expect(await factsIn(target)).toEqual(wanted);
        expectNothingLeft(target);
      }
      expect(isResumed).toBeGreaterThan(50);
    },
  );

  it("of restore() is fenced off when another process has taken the restore over", async () => {
    const { engines, files } = await backedUp();
    const target = createMemoryEngines();
    let other: Promise<unknown> | undefined;
    const slow = createMemoryBackupFiles(files);
    const first = storeOn(target, options).restore({
      ...slow,
      async open(name) {
        if (name.startsWith("content/")) {
          other ??= storeOn(target, options).restore(createMemoryBackupFiles(files));
          await other;
        }
        return slow.open(name);
      },
    });
    await expect(first).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await factsIn(target)).toEqual(await factsIn(engines));
    expectNothingLeft(target);
  });

  it("of restore() cannot name pieces that the process that took over has removed", async () => {
    const { engines, files } = await backedUp();
    const target = createMemoryEngines();
    const removed = gate();
    const changed = gate();
    const second = () =>
      storeOn(
        {
          metadata: target.metadata,
          content: {
            ...target.content,
            async remove(pieces) {
              await target.content.remove(pieces);
              if (pieces.length === 0) return;
              removed.open();
              await changed.passed;
            },
          },
        },
        options,
      ).restore(createMemoryBackupFiles(files));
    let other: ReturnType<typeof second> | undefined;
    const first = storeOn(
      {
        content: target.content,
        metadata: {
          ...target.metadata,
          async change(rows, pieces) {
            const isPublication = rows.some(({ key }) => key.startsWith("artifact\t"));
            if (!isPublication || target.content.files.size === 0) return target.metadata.change(rows, pieces);
            other ??= second();
            await removed.passed;
            const isMade = await target.metadata.change(rows, pieces);
            changed.open();
            return isMade;
          },
        },
      },
      options,
    ).restore(createMemoryBackupFiles(files));
    await expect(first).rejects.toMatchObject({ code: "invalid_argument" });
    expect((await other)?.verified.faults).toEqual([]);
    expect(await factsIn(target)).toEqual(await factsIn(engines));
  });
});
