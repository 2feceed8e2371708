import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createLocalFiles } from "../../../src/engines/local-files/local-files.js";
import type { LocalFile, LocalFiles, LocalTarget } from "../../../src/store/ports/local-files.js";
import { temporaryDirectory } from "../../support/directories.js";
import { type Around, errno } from "../../support/file-steps.js";

const steps = vi.hoisted(() => ({ around: undefined as Around | undefined }));
vi.mock("node:fs/promises", async (original) => {
  const files = await import("../../support/file-steps.js");
  return files.stepwiseFiles(await original<typeof import("node:fs/promises")>(), () => steps.around);
});

const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === "linux";

interface Tree {
  readonly root: string;
  readonly allowed: string;
  readonly outside: string;
  readonly data: string;
  readonly files: LocalFiles;
}

/** Makes an allowed directory, one outside with the same names in it, and the data directory of the store. */
async function plant(): Promise<Tree> {
  const root = fs.realpathSync(await temporaryDirectory());
  for (const [name, content] of [
    ["allowed", "inside"],
    ["outside", "OUTSIDE"],
  ] as const) {
    fs.mkdirSync(join(root, name, "sub", "deep"), { recursive: true });
    for (const path of ["file", "sub/file", "sub/deep/file"]) fs.writeFileSync(join(root, name, path), content);
  }
  fs.mkdirSync(join(root, "data", "blobs"), { recursive: true });
  fs.writeFileSync(join(root, "data", "blobs", "file"), "blob");
  const [allowed, outside, data] = [join(root, "allowed"), join(root, "outside"), join(root, "data")];
  return { root, allowed, outside, data, files: createLocalFiles({ forbidden: data }) };
}

async function textOf(file: LocalFile): Promise<string> {
  try {
    return Buffer.from(await file.read(0, 100)).toString();
  } finally {
    await file.close();
  }
}

const importText = async (files: LocalFiles, path: string, allowed: string[]) =>
  textOf(await files.open(path, allowed));

async function exportText(files: LocalFiles, path: string, allowed: string[], overwrite = false): Promise<string> {
  const target = await files.create(path, allowed, overwrite);
  await finish(target);
  return target.path;
}

async function finish(target: LocalTarget, content = "new"): Promise<void> {
  try {
    await target.write(Buffer.from(content));
    await target.commit();
  } finally {
    await target.discard();
  }
}

/** The content of every file below a directory, and the target of every symlink. */
function contentsOf(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) found[path.slice(directory.length)] = `-> ${fs.readlinkSync(path)}`;
    else if (entry.isFile()) found[path.slice(directory.length)] = fs.readFileSync(path, "utf8");
  }
  return found;
}

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ name: "ArtifactError", code, message: expect.stringMatching(message) });

/** The result or the error of a call, with `PATH` in the place of its path, so that two answers can be compared. */
async function answerTo(call: Promise<unknown>, path: string): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: object };
    return JSON.parse(JSON.stringify({ code, message, details }).replaceAll(path, "PATH"));
  }
}

const noDescriptorPaths: Around = (name, act, [path]) =>
  name === "readlink" && String(path).startsWith("/proc/") ? Promise.reject(errno("ENOENT")) : act();

const ways = isLinux ? ["by descriptors", "by paths"] : ["by paths"];

// Symlinks, FIFOs and modes are POSIX. The rules for names on Windows are tested in path-rules.test.ts.
describe.skipIf(process.platform === "win32").each(ways)("local files, %s", (way) => {
  const usual = way === "by paths" ? noDescriptorPaths : undefined;
  beforeEach(() => {
    steps.around = usual;
    onTestFinished(() => {
      steps.around = undefined;
    });
  });

  const pass: Around = (name, act, args) => usual?.(name, act, args) ?? act();

  /** Repeats a call. Each time another one of its steps is replaced; the last time none is. */
  async function* atEachStep(replaced: Around, call: () => Promise<string>) {
    for (let n = 1; ; n += 1) {
      let calls = 0;
      let step = "none";
      steps.around = (name, act, args) => {
        calls += 1;
        if (calls !== n) return pass(name, act, args);
        step = name;
        return replaced(name, act, args);
      };
      const answer = await call().catch(({ code }) => String(code));
      steps.around = usual;
      yield { answer, step, place: `step ${n}, ${step}` };
      if (n > calls) return;
    }
  }

  describe("open()", () => {
    it("reads a file by its real path, and fewer bytes at its end", async () => {
      const { allowed, files } = await plant();
      const file = await files.open(join(allowed, "sub", "..", "sub", "file"), [allowed]);
      expect(file).toMatchObject({ path: join(allowed, "sub", "file"), bytes: 6 });
      expect(Buffer.from(await file.read(2, 3)).toString()).toBe("sid");
      expect(Buffer.from(await file.read(4, 100)).toString()).toBe("de");
      expect((await file.read(6, 1)).length).toBe(0);
      expect(await file.isUnchanged()).toBe(true);
      await file.close();
    });

    it("follows symlinks that stay inside: to files, to directories, and to the allowed directory", async () => {
      const { root, allowed, files } = await plant();
      fs.symlinkSync("sub/deep", join(allowed, "dir-link"));
      fs.symlinkSync(join(allowed, "dir-link", "file"), join(allowed, "link"));
      fs.symlinkSync("allowed", join(root, "alias"));
      const path = join(allowed, "sub", "deep", "file");
      for (const [asked, within] of [
        [join(allowed, "link"), allowed],
        [join(allowed, "dir-link", "file"), allowed],
        [join(root, "alias", "link"), allowed],
        [join(allowed, "link"), join(root, "alias")],
        [join(allowed, "link"), join(root, "alias", "dir-link")],
        [path, "/"],
      ] as const) {
        const file = await files.open(asked, [join(root, "missing"), within]);
        expect(file.path).toBe(path);
        expect(await textOf(file)).toBe("inside");
      }
    });

    it("gives the same error for every path outside, whether or not something is there", async () => {
      const { root, allowed, outside, files } = await plant();
      fs.symlinkSync("missing", join(outside, "dangling"));
      fs.symlinkSync("loop", join(outside, "loop"));
      fs.mkdirSync(join(outside, "barred"), { mode: 0 });
      fs.mkdirSync(join(root, "allowed-old"));
      fs.writeFileSync(join(root, "allowed-old", "file"), "old");
      const paths = [
        "file",
        "sub",
        "missing",
        "missing/file",
        "file/below",
        "dangling",
        "loop",
        "barred/x",
        "x".repeat(256),
      ];
      const asked = [
        ...paths.map((path) => join(outside, path)),
        join(root, "allowed-old", "file"),
        "/proc/self/environ",
      ];
      const expected = {
        code: "path_not_allowed",
        message: expect.stringContaining(`Allowed directories: "${allowed}"`),
        details: { path: "PATH" },
      };
      for (const path of asked) {
        const answers = [
          await answerTo(files.open(path, [allowed]), path),
          await answerTo(files.create(path, [allowed], true), path),
        ];
        expect(answers).toEqual([expected, expected]);
      }
      for (const path of [root, "/"]) {
        await expect(files.open(path, [allowed])).rejects.toMatchObject({
          code: "path_not_allowed",
          details: { path },
        });
        await expect(files.create(path, [allowed], true)).rejects.toMatchObject({ code: "path_not_allowed" });
      }
      fs.chmodSync(join(outside, "barred"), 0o700);
    });

    it("tells nothing about files outside if a symlink or the path itself leads there", async () => {
      const { allowed, outside, files } = await plant();
      for (const [name, target] of [
        ["to-file", join(outside, "file")],
        ["to-nothing", join(outside, "missing")],
        ["to-nowhere", join(outside, "missing", "below")],
        ["to-below-file", join(outside, "file", "below")],
        ["to-directory", join(outside, "sub")],
        ["to-itself", join(outside, "to-itself")],
        ["relative", "../outside/missing"],
      ] as const) {
        fs.symlinkSync(target, join(allowed, name));
        for (const path of [join(allowed, name), join(allowed, name, "deep")]) {
          const answer = await answerTo(files.open(path, [allowed]), path);
          expect(answer).toMatchObject({
            code: "path_not_allowed",
            message: expect.stringMatching(/^The path "PATH"/),
          });
          if (path !== join(allowed, name)) {
            const created = await answerTo(files.create(path, [allowed], true), path);
            expect(created).toEqual(answer);
          }
        }
      }
      for (const name of ["sub", "missing", "file"]) {
        expect(await importText(files, `${outside}/${name}/../../allowed/file`, [allowed])).toBe("inside");
      }
    });

    it("says which file is missing inside, also behind symlinks", async () => {
      const { allowed, files } = await plant();
      fs.symlinkSync("missing", join(allowed, "dangling"));
      fs.symlinkSync("sub/missing/../file", join(allowed, "through-nothing"));
      for (const name of [
        "missing",
        "missing/file",
        "file/below",
        "dangling",
        "dangling/below",
        `${"x".repeat(256)}`,
      ]) {
        const expected = refusal("invalid_argument", /^There is no file "/);
        await expect(files.open(join(allowed, name), [allowed])).rejects.toEqual(expected);
      }
    });

    it("does not hang on symlinks that lead in circles or fan out", async () => {
      const { allowed, files } = await plant();
      fs.symlinkSync("b", join(allowed, "a"));
      fs.symlinkSync("a", join(allowed, "b"));
      const many = 30;
      for (let at = 0; at < many; at += 1) fs.symlinkSync(`l${at + 1}/l${at + 1}`, join(allowed, `l${at}`));
      fs.symlinkSync(".", join(allowed, `l${many}`));
      for (const name of ["a", "a/x", "l0", "l0/x"]) {
        await expect(files.open(join(allowed, name), [allowed])).rejects.toMatchObject({
          code: expect.stringMatching(/^(invalid_argument|path_not_allowed)$/),
        });
      }
    });

    it("does not hang on a FIFO, and says which kind of entry is not a regular file", async () => {
      const { root, allowed, files } = await plant();
      execFileSync("mkfifo", [join(allowed, "fifo")]);
      const server = createServer().listen(join(allowed, "socket"));
      await once(server, "listening");
      onTestFinished(() => void server.close());
      const rows = [
        [join(allowed, "fifo"), allowed, /is a FIFO/],
        [join(allowed, "socket"), allowed, /is a socket/],
        [join(allowed, "sub"), allowed, /is a directory/],
        [allowed, allowed, /is a directory/],
        [allowed, root, /is a directory/],
        ["/", "/", /is a directory/],
        ["/dev/null", "/dev", /is a device/],
      ] as const;
      for (const [path, within, message] of rows) {
        await expect(files.open(path, [within])).rejects.toEqual(refusal("invalid_argument", message));
      }
      // lstat sees a regular file, and open finds a FIFO.
      steps.around = async (name, act, args) => {
        if (name === "lstat") return fs.lstatSync(join(allowed, "file"));
        return pass(name, act, args);
      };
      await expect(files.open(join(allowed, "fifo"), [allowed])).rejects.toEqual(refusal("invalid_argument", /FIFO/));
    });

    it.skipIf(isRoot)("says which file this server may not read (skipped for root, who reads everything)", async () => {
      const { allowed, files } = await plant();
      fs.chmodSync(join(allowed, "file"), 0o200);
      fs.chmodSync(join(allowed, "sub"), 0o100);
      fs.mkdirSync(join(allowed, "barred"), { mode: 0 });
      for (const name of ["file", "barred/x"]) {
        const expected = refusal("invalid_argument", /^This server may not read/);
        await expect(files.open(join(allowed, name), [allowed])).rejects.toEqual(expected);
      }
      expect(await importText(files, join(allowed, "sub", "file"), [allowed])).toBe("inside");
      for (const name of ["sub", "barred"]) fs.chmodSync(join(allowed, name), 0o700);
    });

    it("allows nothing if no directory is allowed, or if the allowed ones do not exist", async () => {
      const { root, allowed, files } = await plant();
      const none = refusal("path_not_allowed", /cannot be used\. No directory is allowed\.$/);
      await expect(files.open(join(allowed, "file"), [])).rejects.toEqual(none);
      const missing = join(root, "missing");
      await expect(files.open(join(allowed, "file"), [missing])).rejects.toMatchObject({ code: "path_not_allowed" });
      await expect(files.open(join(missing, "file"), [missing])).rejects.toMatchObject({ code: "path_not_allowed" });
    });

    it("does not confuse look-alike names, and escapes them in errors", async () => {
      const { root, allowed, files } = await plant();
      fs.mkdirSync(`${allowed}\u200b`);
      fs.writeFileSync(join(`${allowed}\u200b`, "file"), "look-alike");
      for (const path of [join(`${allowed}\u200b`, "file"), `${root}/allow\u200bed/file`, `${allowed}\uff0ffile`]) {
        const message = path.includes("\u200b") ? /\\u200b/ : /\\uff0f/;
        await expect(files.open(path, [allowed])).rejects.toEqual(refusal("path_not_allowed", message));
      }
      await expect(files.open(join(allowed, "\u200bfile"), [allowed])).rejects.toEqual(
        refusal("invalid_argument", /There is no file ".*\\u200bfile"/),
      );
    });

    it("isUnchanged() is false after any change to the file", async () => {
      const { allowed, files } = await plant();
      const path = join(allowed, "file");
      const changes: Record<string, () => void> = {
        grows: () => fs.appendFileSync(path, "!"),
        shrinks: () => fs.truncateSync(path, 3),
        "is rewritten in place": () => {
          const fd = fs.openSync(path, "r+");
          fs.writeSync(fd, "INSIDE");
          fs.closeSync(fd);
        },
        "is rewritten, and its time set back": () => {
          const { atime, mtime } = fs.statSync(path);
          fs.writeFileSync(path, "InSiDe");
          fs.utimesSync(path, atime, mtime);
        },
      };
      for (const [what, change] of Object.entries(changes)) {
        fs.writeFileSync(path, "inside");
        const file = await files.open(path, [allowed]);
        // The file has rested for a tick, so a later change shows in its times.
        expect(Date.now() - fs.statSync(path).ctimeMs, what).toBeGreaterThanOrEqual(19);
        await file.read(0, 3);
        expect(await file.isUnchanged(), what).toBe(true);
        change();
        expect(await file.isUnchanged(), what).toBe(false);
        await file.close();
      }
    });

    it("keeps reading the file that it opened, also if the name is given to another file", async () => {
      const { allowed, files } = await plant();
      const file = await files.open(join(allowed, "file"), [allowed]);
      fs.writeFileSync(join(allowed, "other"), "other!");
      fs.renameSync(join(allowed, "other"), join(allowed, "file"));
      expect(await textOf(file)).toBe("inside");
    });
  });

  describe("create()", () => {
    it("the file gets its name when it is committed, and is whole then", async () => {
      const { allowed, files } = await plant();
      const path = join(allowed, "sub", "new");
      const target = await files.create(path, [allowed], false);
      expect(target.path).toBe(path);
      await target.write(Buffer.from("one,"));
      await target.write(Buffer.from("two"));
      expect(fs.readdirSync(join(allowed, "sub"))).toContainEqual(expect.stringMatching(/^\.new\.[0-9a-f]{16}\.part$/));
      expect(fs.existsSync(path)).toBe(false);
      await target.commit();
      await target.discard();
      fs.writeFileSync(join(allowed, "usual"), "");
      expect(fs.statSync(path).mode).toBe(fs.statSync(join(allowed, "usual")).mode);
      expect(contentsOf(join(allowed, "sub"))).toEqual({
        "/new": "one,two",
        "/file": "inside",
        "/deep/file": "inside",
      });
    });

    it("discard() leaves nothing", async () => {
      const { allowed, files } = await plant();
      const before = contentsOf(allowed);
      for (const [name, overwrite] of [
        ["new", false],
        ["file", true],
      ] as const) {
        const target = await files.create(join(allowed, name), [allowed], overwrite);
        await target.write(Buffer.from("new"));
        await target.discard();
        await target.discard();
        expect(contentsOf(allowed)).toEqual(before);
      }
    });

    it("refuses a name that is taken, and says by what", async () => {
      const { allowed, files } = await plant();
      fs.symlinkSync("missing", join(allowed, "dangling"));
      fs.symlinkSync("../outside/file", join(allowed, "link"));
      execFileSync("mkfifo", [join(allowed, "fifo")]);
      for (const name of ["file", "dangling", "link", "fifo"]) {
        const taken = refusal("invalid_argument", /exists already\. Nothing was written\.$/);
        const attempt = files.create(join(allowed, name), [allowed], false);
        await expect(attempt).rejects.toEqual(taken);
        await expect(attempt).rejects.toMatchObject({ next: "export_elsewhere", details: { argument: "path" } });
      }
      for (const overwrite of [false, true]) {
        for (const path of [join(allowed, "sub"), allowed]) {
          const directory = refusal("invalid_argument", /is a directory.*give the path of a file in it/);
          await expect(files.create(path, [allowed], overwrite)).rejects.toEqual(directory);
        }
      }
      const fifo = refusal("invalid_argument", /is a FIFO.*never replaced/);
      await expect(files.create(join(allowed, "fifo"), [allowed], true)).rejects.toEqual(fifo);
      const parentMissing = refusal("invalid_argument", /^There is no directory ".*missing"/);
      await expect(files.create(join(allowed, "missing", "x"), [allowed], false)).rejects.toEqual(parentMissing);
      const parentFile = refusal("invalid_argument", /^There is no directory ".*file"/);
      await expect(files.create(join(allowed, "file", "x"), [allowed], true)).rejects.toEqual(parentFile);
      const slash = refusal("invalid_argument", /names a directory/);
      await expect(files.create(`${allowed}/new/`, [allowed], true)).rejects.toEqual(slash);
    });

    it("replaces a file or a symlink if overwrite is true, and never follows the symlink", async () => {
      const { allowed, outside, files } = await plant();
      fs.symlinkSync("missing", join(allowed, "dangling"));
      fs.symlinkSync(join(outside, "file"), join(allowed, "to-outside"));
      fs.symlinkSync("sub", join(allowed, "to-directory"));
      fs.linkSync(join(outside, "file"), join(allowed, "hard-link"));
      const before = contentsOf(outside);
      for (const name of ["file", "dangling", "to-outside", "to-directory", "hard-link", "new"]) {
        expect(await exportText(files, join(allowed, name), [allowed], true)).toBe(join(allowed, name));
        expect(fs.lstatSync(join(allowed, name)).isFile()).toBe(true);
        expect(fs.readFileSync(join(allowed, name), "utf8")).toBe("new");
      }
      expect(contentsOf(outside)).toEqual(before);
      expect(fs.existsSync(join(allowed, "missing"))).toBe(false);
    });

    it("authorizes the directory by its real path", async () => {
      const { root, allowed, outside, files } = await plant();
      fs.symlinkSync("sub/deep", join(allowed, "in"));
      fs.symlinkSync(outside, join(allowed, "out"));
      expect(await exportText(files, join(allowed, "in", "new"), [allowed])).toBe(join(allowed, "sub", "deep", "new"));
      const before = contentsOf(outside);
      for (const path of ["out/new", "out/missing/new", "../outside/new", "../new", "out/file"]) {
        const call = files.create(`${allowed}/${path}`, [allowed], true);
        await expect(call).rejects.toMatchObject({ code: "path_not_allowed" });
      }
      expect(contentsOf(outside)).toEqual(before);
      expect(fs.readdirSync(root).sort()).toEqual(["allowed", "data", "outside"]);
    });

    it("takes names that are as long as the file system allows", async () => {
      const { allowed, files } = await plant();
      for (const name of ["x".repeat(255), "\u682a".repeat(85), "\u{1f600}".repeat(63)]) {
        const target = await files.create(join(allowed, "sub", name), [allowed], false);
        const part = fs.readdirSync(join(allowed, "sub")).find((found) => found.endsWith(".part")) ?? "";
        expect(Buffer.byteLength(part)).toBeGreaterThan(250);
        expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255);
        expect(part.isWellFormed() && !part.includes("\ufffd")).toBe(true);
        await finish(target);
        expect(fs.readFileSync(join(allowed, "sub", name), "utf8")).toBe("new");
      }
      const tooLong = refusal("invalid_argument", /too long.*at most 255 bytes/);
      await expect(files.create(join(allowed, "x".repeat(256)), [allowed], false)).rejects.toEqual(tooLong);
    });

    it.skipIf(isRoot)(
      "says in which directory it may not write (skipped for root, who writes everywhere)",
      async () => {
        const { allowed, files } = await plant();
        fs.chmodSync(join(allowed, "sub"), 0o500);
        const expected = refusal("invalid_argument", /^This server may not write in ".*sub"/);
        await expect(files.create(join(allowed, "sub", "new"), [allowed], false)).rejects.toEqual(expected);
        fs.chmodSync(join(allowed, "sub"), 0o300);
        expect(await exportText(files, join(allowed, "sub", "new"), [allowed])).toBe(join(allowed, "sub", "new"));
        fs.chmodSync(join(allowed, "sub"), 0o700);
      },
    );

    it.each([
      ["open", "EACCES", "invalid_argument", /may not write in/],
      ["open", "EROFS", "invalid_argument", /may not write in/],
      ["open", "ENOSPC", "storage_full", /There is no room/],
      ["file.writev", "ENOSPC", "storage_full", /There is no room/],
      ["file.writev", "EDQUOT", "storage_full", /There is no room/],
      ["file.writev", "EFBIG", "storage_full", /cannot be this large \(EFBIG\)/],
      ["file.sync", "ENOSPC", "storage_full", /There is no room/],
      ["file.close", "ENOSPC", "storage_full", /There is no room/],
      ["link", "ENOSPC", "storage_full", /There is no room/],
      ["link", "EIO", "internal", /disk failed to read or to write/],
    ])("a %s that fails with %s is answered with %s, and leaves nothing", async (step, code, expected, message) => {
      const { allowed, files } = await plant();
      const before = contentsOf(allowed);
      const failing: Around = async (name, act, args) => {
        if (name !== step) return pass(name, act, args);
        if (name === "file.close") await act();
        steps.around = usual;
        throw errno(code);
      };
      steps.around = (name, act, args) => {
        if (name !== "open" || args[1] !== "wx") return pass(name, act, args);
        steps.around = failing;
        return failing(name, act, args);
      };
      await expect(exportText(files, join(allowed, "new"), [allowed])).rejects.toEqual(refusal(expected, message));
      expect(contentsOf(allowed)).toEqual(before);
    });

    it.each([false, true])("leaves nothing if any one step fails, overwrite %s", async (overwrite) => {
      const { allowed, files } = await plant();
      const before = contentsOf(allowed);
      const path = join(allowed, "sub", overwrite ? "file" : "new");
      const own = path.slice(allowed.length);
      const failing: Around = async (name, act) => {
        if (name === "file.close") await act();
        throw errno("EIO");
      };
      const answers: string[] = [];
      for await (const { answer, step, place } of atEachStep(failing, () =>
        exportText(files, path, [allowed], overwrite),
      )) {
        answers.push(answer);
        const { [own]: made, ...others } = contentsOf(allowed);
        const { [own]: replaced, ...kept } = before;
        expect(others, place).toEqual(kept);
        // A replaced file cannot be brought back. Closing the directory is not part of a commit.
        const mayBeThere = answer === path || overwrite || step === "file.close";
        expect(mayBeThere ? [replaced, "new"] : [replaced], place).toContain(made);
        fs.rmSync(path, { force: true });
        if (replaced !== undefined) fs.writeFileSync(path, replaced);
      }
      expect(answers.filter((answer) => answer === "internal").length).toBeGreaterThan(8);
      expect(answers.at(-1)).toBe(path);
    });

    /** The errnos of `link` on file systems without hard links; undefined for a file system with hard links. */
    const linkErrnos = [undefined, "EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV", "EISDIR"];
    const failingLinks = (code: string | undefined): Around | undefined => {
      if (code === undefined) return usual;
      return (name, act, args) => (name === "link" ? Promise.reject(errno(code)) : pass(name, act, args));
    };

    it.each(linkErrnos)("gives a whole file its name if link fails with %s, and leaves nothing else", async (code) => {
      const { allowed, files } = await plant();
      steps.around = failingLinks(code);
      expect(await exportText(files, join(allowed, "new"), [allowed])).toBe(join(allowed, "new"));
      expect(contentsOf(allowed)["/new"]).toBe("new");
      expect(fs.readdirSync(allowed).sort()).toEqual(["file", "new", "sub"]);
      const taken = refusal("invalid_argument", /exists already/);
      await expect(exportText(files, join(allowed, "new"), [allowed])).rejects.toEqual(taken);
    });

    it("never overwrites a file that took the name meanwhile, with hard links and without", async () => {
      for (const code of linkErrnos) {
        const { allowed, files } = await plant();
        steps.around = failingLinks(code);
        const target = await files.create(join(allowed, "new"), [allowed], false);
        await target.write(Buffer.from("mine"));
        fs.writeFileSync(join(allowed, "new"), "theirs");
        await expect(target.commit()).rejects.toEqual(refusal("invalid_argument", /exists already/));
        await target.discard();
        expect(contentsOf(allowed)).toEqual({
          "/new": "theirs",
          "/file": "inside",
          "/sub/file": "inside",
          "/sub/deep/file": "inside",
        });
        const paths = Array.from({ length: 8 }, () => join(allowed, "raced"));
        const targets = await Promise.all(paths.map((path) => files.create(path, [allowed], false)));
        const ends = await Promise.allSettled(targets.map((one, index) => finish(one, `writer ${index}`)));
        const winners = ends.flatMap(({ status }, index) => (status === "fulfilled" ? [`writer ${index}`] : []));
        expect(winners).toEqual([fs.readFileSync(join(allowed, "raced"), "utf8")]);
        expect(fs.readdirSync(allowed).sort()).toEqual(["file", "new", "raced", "sub"]);
      }
    });

    it("does not commit into a directory that was moved away", async () => {
      const { root, allowed, files } = await plant();
      const target = await files.create(join(allowed, "sub", "new"), [allowed], false);
      await target.write(Buffer.from("new"));
      fs.renameSync(join(allowed, "sub"), join(root, "moved"));
      await expect(target.commit()).rejects.toMatchObject({ code: "invalid_argument" });
      await target.discard();
      expect(fs.existsSync(join(root, "moved", "new"))).toBe(false);
      if (way === "by descriptors") expect(fs.readdirSync(join(root, "moved")).sort()).toEqual(["deep", "file"]);
    });
  });

  it("reaches nothing in the data directory of the store, whatever is allowed", async () => {
    const { root, allowed, data } = await plant();
    fs.symlinkSync(data, join(root, "data-link"));
    fs.symlinkSync(data, join(allowed, "link"));
    const files = createLocalFiles({ forbidden: join(root, "data-link") });
    const before = contentsOf(data);
    for (const within of [root, data, join(data, "blobs"), "/"]) {
      for (const folder of [data, join(root, "data-link"), join(allowed, "link")]) {
        for (const name of ["blobs/file", "blobs/missing", "blobs"]) {
          const expected = refusal("path_not_allowed", within.startsWith(data) ? /./ : /the store's own data/);
          await expect(files.open(join(folder, name), [within])).rejects.toEqual(expected);
          await expect(files.create(join(folder, name), [within], true)).rejects.toEqual(expected);
        }
      }
    }
    await expect(files.create(data, [root], true)).rejects.toEqual(refusal("path_not_allowed", /own data/));
    expect(contentsOf(data)).toEqual(before);
    expect(await importText(files, join(allowed, "file"), [root])).toBe("inside");
  });

  /** Replaces a name inside by a symlink to the outside, and back. */
  function swap(from: string, to: string) {
    const aside = `${from}-aside`;
    return {
      out: () => {
        fs.renameSync(from, aside);
        fs.symlinkSync(to, from);
      },
      back: () => {
        fs.unlinkSync(from);
        fs.renameSync(aside, from);
      },
    };
  }

  const swaps = ["sub/deep/file", "sub/deep", "sub"].flatMap((name) => [
    { name, turnsBack: false },
    { name, turnsBack: true },
  ]);
  it.each(swaps)(
    "never goes outside if $name becomes a symlink at any one step (put back after the step: $turnsBack)",
    async (row) => {
      const { allowed, outside, files } = await plant();
      const before = contentsOf(outside);
      const { out, back } = swap(join(allowed, row.name), join(outside, row.name));
      const [made, read] = [join(allowed, "sub", "deep", "new"), join(allowed, "sub", "deep", "file")];
      const swapped: Around = async (name, act, args) => {
        out();
        return pass(name, act, args).finally(row.turnsBack ? back : undefined);
      };
      const calls = {
        open: () => importText(files, read, [allowed]),
        create: () => exportText(files, made, [allowed]),
        overwrite: () => exportText(files, read, [allowed], true),
      };
      const seen = new Set<string>();
      for (const [what, call] of Object.entries(calls)) {
        for await (const { answer, step, place } of atEachStep(swapped, call)) {
          if (step !== "none" && !row.turnsBack) back();
          seen.add(`${what} ${answer}`);
          expect([made, read, "inside", "path_not_allowed", "invalid_argument"], `${what}, ${place}`).toContain(answer);
          expect(withoutEmptyParts(contentsOf(outside)), `${what}, ${place}`).toEqual(before);
          fs.rmSync(made, { force: true });
          fs.writeFileSync(read, "inside");
        }
      }
      expect([...seen]).toEqual(expect.arrayContaining(["open inside", `create ${made}`, `overwrite ${read}`]));
      if (!row.turnsBack) expect(seen).toContain("open path_not_allowed");
    },
  );

  /** Without descriptors, an empty hidden file may have been created outside before the path was checked again. */
  function withoutEmptyParts(contents: Record<string, string>): Record<string, string> {
    if (way === "by descriptors") return contents;
    return Object.fromEntries(
      Object.entries(contents).filter(([path, text]) => !(path.endsWith(".part") && text === "")),
    );
  }
});

describe.skipIf(!isLinux)("local files, while another process swaps a directory and a symlink all the time", () => {
  const program = fileURLToPath(new URL("swapping-process.mjs", import.meta.url));

  it("2,000 calls each of open() and create() never read or write a byte outside", async () => {
    const { allowed, outside, files } = await plant();
    const before = contentsOf(outside);
    const [from, aside] = [join(allowed, "sub"), join(allowed, "aside")];
    const swapper = spawn(process.execPath, [program, from, aside, join(outside, "sub")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(swapper, "exit");
    onTestFinished(() => void swapper.kill("SIGKILL"));
    await once(swapper.stdout, "data");
    const seen: Record<string, number> = {};
    const count = (answer: string) => {
      seen[answer] = (seen[answer] ?? 0) + 1;
    };
    for (let time = 0; time < 2_000; time += 1) {
      const path = join(from, "deep");
      count(`open: ${await importText(files, join(path, "file"), [allowed]).catch(({ code }) => code)}`);
      const made = exportText(files, join(path, `new${time}`), [allowed]).then(() => "made");
      count(`create: ${await made.catch(({ code }) => code)}`);
    }
    swapper.kill("SIGKILL");
    await ended;
    expect(
      Object.keys(seen).filter((answer) => !/(inside|made|path_not_allowed|invalid_argument)$/.test(answer)),
    ).toEqual([]);
    expect(seen).toMatchObject({
      "open: inside": expect.any(Number),
      "open: path_not_allowed": expect.any(Number),
      "create: made": expect.any(Number),
      "create: path_not_allowed": expect.any(Number),
    });
    expect(contentsOf(outside)).toEqual(before);
    const left = Object.entries(contentsOf(fs.existsSync(aside) ? aside : from)).filter(([path]) =>
      path.startsWith("/deep/new"),
    );
    expect(left.length).toBe(seen["create: made"]);
    expect(new Set(left.map(([, text]) => text))).toEqual(new Set(["new"]));
  });
});
