import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createLocalFiles } from "../../../src/engines/local-files/local-files.js";
import { temporaryDirectory } from "../../support/directories.js";
import { type Around, errno } from "../../support/file-steps.js";

const steps = vi.hoisted(() => ({ around: undefined as Around | undefined }));
vi.mock("node:fs/promises", async (original) => {
  const files = await import("../../support/file-steps.js");
  return files.stepwiseFiles(await original<typeof import("node:fs/promises")>(), () => steps.around);
});

const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === "linux";

/** An allowed directory with a folder in it, the same names outside, and the data directory of the store. */
async function plant() {
  const root = fs.realpathSync(await temporaryDirectory());
  const [allowed, outside, data] = [join(root, "allowed"), join(root, "outside"), join(root, "allowed", "data")];
  for (const [place, prefix] of [
    [allowed, "in"],
    [outside, "OUT"],
  ] as const) {
    fs.mkdirSync(join(place, "run", "deep"), { recursive: true });
    fs.writeFileSync(join(place, "run", `${prefix}-a`), "12345");
    fs.writeFileSync(join(place, "run", "deep", `${prefix}-b`), "1234567");
  }
  fs.mkdirSync(data);
  fs.writeFileSync(join(data, "piece"), "piece");
  return { root, allowed, outside, data, run: join(allowed, "run"), files: createLocalFiles({ forbidden: data }) };
}

const namesOf = (folder: { files: readonly { name: string }[] } | undefined) => folder?.files.map(({ name }) => name);

/** The path of everything below a directory. Directories end with a slash. */
function treeOf(directory: string): string[] {
  const found = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  return found.map((entry) => join(entry.parentPath, entry.name) + (entry.isDirectory() ? "/" : "")).sort();
}

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ name: "ArtifactError", code, message: expect.stringMatching(message) });

const noDescriptorPaths: Around = (name, act, [path]) =>
  name === "readlink" && String(path).startsWith("/proc/") ? Promise.reject(errno("ENOENT")) : act();

const ways = isLinux ? ["by descriptors", "by paths"] : ["by paths"];

// Symlinks, FIFOs and modes are POSIX. The rules for names on Windows are tested in path-rules.test.ts.
describe.skipIf(process.platform === "win32").each(ways)("local folders, %s", (way) => {
  const usual = way === "by paths" ? noDescriptorPaths : undefined;
  const pass: Around = (name, act, args) => usual?.(name, act, args) ?? act();
  beforeEach(() => {
    steps.around = usual;
    onTestFinished(() => {
      steps.around = undefined;
    });
  });

  describe("list()", () => {
    it("finds files at any depth, hidden ones too, in the order of their names, with their sizes", async () => {
      const { allowed, run, files } = await plant();
      fs.writeFileSync(join(run, ".hidden"), "");
      fs.mkdirSync(join(run, "empty"));
      const listed = [
        { name: ".hidden", bytes: 0 },
        { name: "deep/in-b", bytes: 7 },
        { name: "in-a", bytes: 5 },
      ];
      const expected = { path: run, files: listed, skipped: [] };
      for (const path of [run, `${run}/`, `${run}//`, `${run}/deep/..`]) {
        expect(await files.list(path, [allowed])).toEqual(expected);
      }
      expect(await files.list(run, [run])).toEqual(expected); // an allowed directory itself
    });

    it("answers undefined for what is no directory, and refuses what is outside in the same way for all", async () => {
      const { allowed, outside, run, files } = await plant();
      fs.symlinkSync("missing", join(run, "dangling"));
      for (const name of ["in-a", "missing", "missing/below", "in-a/below", "dangling"]) {
        expect(await files.list(join(run, name), [allowed])).toBeUndefined();
      }
      fs.symlinkSync(outside, join(allowed, "out"));
      fs.symlinkSync(join(outside, "missing"), join(allowed, "nowhere"));
      const asked = [outside, join(outside, "run"), join(outside, "missing"), "/", join(outside, "run", "OUT-a")];
      for (const path of [...asked, join(allowed, "out"), join(allowed, "out", "x"), join(allowed, "nowhere")]) {
        await expect(files.list(path, [allowed])).rejects.toEqual(refusal("path_not_allowed", /^The path/));
      }
      await expect(files.list(run, [])).rejects.toMatchObject({ code: "path_not_allowed" });
    });

    it("follows symlinks that stay inside, and skips and tells the others", async () => {
      const { allowed, outside, run, files } = await plant();
      fs.mkdirSync(join(allowed, "elsewhere"));
      fs.writeFileSync(join(allowed, "elsewhere", "file"), "123");
      const links: Record<string, string> = {
        "to-file": "../elsewhere/file",
        "to-folder": "../elsewhere",
        "to-itself": "to-itself",
        "to-nothing": "missing",
        "up-run": ".",
        "up-allowed": allowed,
        "out-file": join(outside, "run", "OUT-a"),
        "out-folder": join(outside, "run"),
        "out-missing": join(outside, "missing"),
        "to-store": join(allowed, "data", "piece"),
      };
      for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, join(run, name));
      const found = await files.list(run, [allowed]);
      const own = namesOf(found)?.filter((name) => !name.startsWith("up-allowed/"));
      expect(own).toEqual(["deep/in-b", "in-a", "to-file", "to-folder/file"]);
      const kinds = Object.fromEntries((found?.skipped ?? []).map(({ name, kind }) => [name, kind]));
      expect(kinds).toMatchObject({
        "to-nothing": "a symlink that leads to no file",
        "to-itself": "a symlink that leads to no file",
        "up-run": "a symlink to a directory that contains it",
        "up-allowed/data": "a directory that is not allowed",
        "up-allowed/run": "a symlink to a directory that contains it",
        "out-file": "a symlink to a place that is not allowed",
        "out-folder": "a symlink to a place that is not allowed",
        "out-missing": "a symlink to a place that is not allowed",
        "to-store": "a symlink to a place that is not allowed",
      });
      expect(JSON.stringify(found)).not.toContain("OUT");
    });

    it("skips and tells FIFOs and sockets, and never opens them", async () => {
      const { allowed, run, files } = await plant();
      execFileSync("mkfifo", [join(run, "fifo")]);
      fs.symlinkSync("fifo", join(run, "to-fifo"));
      const server = createServer().listen(join(run, "socket"));
      await once(server, "listening");
      onTestFinished(() => void server.close());
      const found = await files.list(run, [allowed]);
      expect(namesOf(found)).toEqual(["deep/in-b", "in-a"]);
      expect(found?.skipped).toEqual([
        { name: "fifo", kind: "a FIFO (named pipe)" },
        { name: "socket", kind: "a socket" },
        { name: "to-fifo", kind: "a FIFO (named pipe)" },
      ]);
    });

    it.skipIf(!isLinux)("marks a file whose name is not UTF-8", async () => {
      const { allowed, run, files } = await plant();
      fs.writeFileSync(Buffer.concat([Buffer.from(`${run}/bad-`), Buffer.from([0xff])]), "");
      const found = await files.list(run, [allowed]);
      expect(found?.files[0]).toEqual({ name: "bad-\ufffd", bytes: 0, problem: "its name is not UTF-8" });
    });

    it("ends with an error for a folder that is too large, too deep, or fans out by symlinks", async () => {
      const { allowed, files } = await plant();
      const many = join(allowed, "many");
      fs.mkdirSync(many);
      for (let n = 0; n < 10_001; n += 1) fs.closeSync(fs.openSync(join(many, String(n)), "w"));
      await expect(files.list(many, [allowed])).rejects.toEqual(refusal("invalid_argument", /more than 10000 files/));
      fs.rmSync(join(many, "0"));
      expect(namesOf(await files.list(many, [allowed]))).toHaveLength(10_000);

      fs.mkdirSync(join(allowed, "far", ..."x".repeat(64)), { recursive: true });
      expect(await files.list(join(allowed, "far"), [allowed])).toMatchObject({ files: [] });
      fs.mkdirSync(join(allowed, "far", ..."x".repeat(65)));
      await expect(files.list(join(allowed, "far"), [allowed])).rejects.toEqual(
        refusal("invalid_argument", /more than 64 directories in one another/),
      );

      const fan = join(allowed, "fan");
      for (let n = 0; n < 30; n += 1) {
        fs.mkdirSync(join(fan, `d${n}`), { recursive: true });
        for (const side of ["left", "right"]) fs.symlinkSync(`../d${n + 1}`, join(fan, `d${n}`, side));
      }
      fs.mkdirSync(join(fan, "d30"));
      await expect(files.list(fan, [allowed])).rejects.toEqual(refusal("invalid_argument", /more than 10000 files/));
    });

    it.skipIf(isRoot)("says which directory cannot be read (skipped for root, who reads everything)", async () => {
      const { allowed, run, files } = await plant();
      fs.chmodSync(join(run, "deep"), 0o300);
      await expect(files.list(run, [allowed])).rejects.toEqual(refusal("invalid_argument", /may not read ".*deep"/));
      fs.chmodSync(join(run, "deep"), 0o700);
    });
  });

  describe("makeFolder()", () => {
    it("makes the directory and those of the files, and takes what exists", async () => {
      const { allowed, run, files } = await plant();
      const names = ["a", "x/b", "x/y/c", "z/d"];
      for (const path of [join(allowed, "new"), `${allowed}/new/`, run, allowed]) {
        const real = path.replace(/\/$/, "");
        expect(await files.makeFolder(path, [allowed], names, false)).toBe(real);
        expect(treeOf(real)).toEqual(expect.arrayContaining([`${real}/x/`, `${real}/x/y/`, `${real}/z/`]));
      }
      fs.symlinkSync("run", join(allowed, "link"));
      expect(await files.makeFolder(join(allowed, "link"), [allowed], ["in/f"], false)).toBe(run);
      expect(fs.statSync(join(run, "in")).mode).toBe(fs.statSync(run).mode);
    });

    it("makes nothing for names that need too many directories", async () => {
      const { allowed, files } = await plant();
      const names = Array.from({ length: 101 }, (_, n) => `${n}/${"d/".repeat(99)}file`);
      const made = files.makeFolder(join(allowed, "new"), [allowed], names, false);
      await expect(made).rejects.toEqual(refusal("invalid_argument", /would get more than 10000 directories/));
      expect(fs.existsSync(join(allowed, "new"))).toBe(false);
    });

    it("makes nothing if a name is taken, is none here, or leads out", async () => {
      const { allowed, outside, run, files } = await plant();
      fs.symlinkSync(outside, join(run, "out"));
      fs.symlinkSync("missing", join(run, "dangling"));
      const before = [...treeOf(allowed), ...treeOf(outside)];
      const make = (names: string[], overwrite = false, path = run) =>
        files.makeFolder(path, [allowed], ["first/x", ...names], overwrite);
      const invalid = (message: RegExp) => refusal("invalid_argument", message);
      await expect(make(["in-a"])).rejects.toEqual(invalid(/in-a" exists already/));
      await expect(make(["deep"], true)).rejects.toEqual(invalid(/is a directory/));
      await expect(make(["in-a/b"], true)).rejects.toEqual(invalid(/in-a" is no directory/));
      await expect(make(["y".repeat(256)])).rejects.toEqual(invalid(/longer than 255 bytes/));
      await expect(make([`${`${"y".repeat(200)}/`.repeat(21)}z`])).rejects.toEqual(invalid(/longer than 4095 bytes/));
      await expect(make(["out/b"], true)).rejects.toMatchObject({ code: "path_not_allowed" });
      await expect(make([], false, join(run, "out", "new"))).rejects.toMatchObject({ code: "path_not_allowed" });
      await expect(make([], false, join(outside, "new"))).rejects.toMatchObject({ code: "path_not_allowed" });
      await expect(make([], false, join(allowed, "data", "x"))).rejects.toMatchObject({ code: "path_not_allowed" });
      await expect(make([], false, join(run, "missing", "new"))).rejects.toEqual(invalid(/no directory ".*missing"/));
      await expect(make([], false, join(run, "in-a"))).rejects.toEqual(invalid(/in-a" is no directory/));
      expect([...treeOf(allowed), ...treeOf(outside)]).toEqual(before);
      await expect(make(["in-a"], true)).resolves.toBe(run);
    });
  });

  /** Replaces a name inside by a symlink to the outside, and back. */
  function swap(from: string, to: string) {
    return {
      out() {
        fs.renameSync(from, `${from}-aside`);
        fs.symlinkSync(to, from);
      },
      back() {
        fs.unlinkSync(from);
        fs.renameSync(`${from}-aside`, from);
      },
    };
  }

  /** Repeats a call. Each time another one of its steps is replaced; the last time none is. */
  async function* atEachStep(replaced: Around, call: () => Promise<string>) {
    for (let n = 1; ; n += 1) {
      let calls = 0;
      steps.around = (name, act, args) => {
        calls += 1;
        return calls === n ? replaced(name, act, args) : pass(name, act, args);
      };
      const answer = await call().catch(({ code }) => String(code));
      steps.around = usual;
      yield { answer, isSwapped: n <= calls, place: `step ${n} of ${calls}` };
      if (n > calls) return;
    }
  }

  /** Without descriptors, an empty directory may have been made outside before the path was checked again. */
  const withoutNewFolder = (tree: string[]): string[] =>
    way === "by descriptors" ? tree : tree.filter((path) => !path.endsWith("/new/"));

  const swaps = ["run", "run/deep"].flatMap((name) => [
    { name, turnsBack: false },
    { name, turnsBack: true },
  ]);
  it.each(swaps)(
    "neither lists nor makes anything outside if $name becomes a symlink at any step (put back after it: $turnsBack)",
    async ({ name, turnsBack }) => {
      const { allowed, outside, run, files } = await plant();
      const { out, back } = swap(join(allowed, name), join(outside, name));
      const before = treeOf(outside);
      const swapped: Around = (step, act, args) => {
        out();
        return pass(step, act, args).finally(turnsBack ? back : undefined);
      };
      const calls = {
        list: async () => JSON.stringify((await files.list(run, [allowed])) ?? "no directory"),
        make: () => files.makeFolder(run, [allowed], ["deep/new/f"], true),
      };
      const answers = new Set<string>();
      for (const [what, call] of Object.entries(calls)) {
        for await (const { answer, isSwapped, place } of atEachStep(swapped, call)) {
          if (isSwapped && !turnsBack) back();
          answers.add(`${what} ${answer}`);
          expect(answer, `${what}, ${place}`).not.toContain("OUT");
          expect(withoutNewFolder(treeOf(outside)), `${what}, ${place}`).toEqual(before);
          fs.rmSync(join(outside, "run", "deep", "new"), { recursive: true, force: true });
          fs.rmSync(join(run, "deep", "new"), { recursive: true, force: true });
        }
      }
      expect([...answers]).toEqual(
        expect.arrayContaining(
          [expect.stringMatching(/^list .*in-b/), `make ${run}`, "list path_not_allowed"].slice(0, turnsBack ? 2 : 3),
        ),
      );
    },
  );
});

describe.skipIf(!isLinux)("local folders, while another process swaps a directory and a symlink all the time", () => {
  const program = fileURLToPath(new URL("swapping-process.mjs", import.meta.url));

  it("200 calls each of list() and makeFolder() show no name from outside and make nothing there", async () => {
    const { allowed, outside, run, files } = await plant();
    const before = treeOf(outside);
    const [from, aside] = [join(run, "deep"), join(allowed, "aside")];
    const swapper = spawn(process.execPath, [program, from, aside, join(outside, "run")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(swapper, "exit");
    onTestFinished(() => void swapper.kill("SIGKILL"));
    await once(swapper.stdout, "data");
    const seen = new Set<string>();
    for (let time = 0; time < 200; time += 1) {
      const listed = await files.list(run, [allowed]).then(JSON.stringify, ({ code }) => String(code));
      seen.add(`list ${listed}`);
      const made = files.makeFolder(run, [allowed], [`deep/new${time}/f`], true).then(() => "made");
      seen.add(`make ${await made.catch(({ code }) => String(code))}`);
    }
    swapper.kill("SIGKILL");
    await ended;
    const answers = [...seen].join("\n");
    expect(answers).not.toContain("OUT");
    expect(answers).toMatch(/list .*deep\/in-b/);
    expect(answers).toContain("make made");
    expect(treeOf(outside)).toEqual(before);
  });
});
