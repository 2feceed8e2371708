import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectRefusal, runCommand } from "../../support/command.js";
import { temporaryDirectory } from "../../support/directories.js";
import { patience } from "../../support/patience.js";
import { builtServer, startServer } from "../../support/server-process.js";

const has = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

/** How a shell completes the last of some words. Each prints one candidate a line. */
const completing = {
  bash: (words: readonly string[]) => [
    "--norc",
    "-c",
    `source "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE=\${LINE-$*}; COMP_POINT=\${#COMP_LINE}; _artifacts_mcp; printf '%s\\n' "\${COMPREPLY[@]}"`,
    "bash",
    ...words,
  ],
  // The builtins of zsh's completion work only in its line editor, so functions of the same names stand for them.
  zsh: (words: readonly string[]) => [
    "-f",
    "-c",
    `compdef() { true }; _files() { true }
    compadd() { while [[ $1 == -* ]]; do case $1 in -S) shift 2 ;; -a) print -rl -- \${(P)2}; return ;; *) shift ;; esac; done; print -rl -- "$@" }
    _describe() { print -rl -- \${(P)2} }
    source "$SCRIPT"; words=("$@"); CURRENT=$#; PREFIX=$words[-1]; _artifacts-mcp | sed -E 's/([a-z-]):.*/\\1/'`,
    "zsh",
    ...words,
  ],
  fish: (words: readonly string[]) => [
    "--no-config",
    "-c",
    'source $SCRIPT; complete -C "$argv"',
    "--",
    words.join(" "),
  ],
} as const;

describe.each(["bash", "zsh", "fish"] as const)("completion %s", (shell) => {
  it.skipIf(!has(shell))(`completes commands, options, values and addresses (needs ${shell})`, async () => {
    const folder = await temporaryDirectory();
    const root = join(folder, "store");
    const server = await startServer(root);
    for (const key of ["march/a.csv", "march/with space.txt", "march.txt", "odd@3"]) {
      await server.call("save_artifact", { bucket: "runs", key, content: "x" });
    }
    const program = join(folder, "artifacts-mcp");
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${builtServer}' "$@"\n`);
    chmodSync(program, 0o755);
    const script = join(folder, "script");
    writeFileSync(script, runCommand(["completion", shell]).stdout);
    const complete = (...words: string[]): string[] => completeIn({}, ...words);
    const completeIn = (environment: object, ...words: string[]): string[] => {
      const options = {
        encoding: "utf8",
        env: { ...process.env, SCRIPT: script, HOME: folder, ...environment },
        cwd: folder,
        ...patience,
      } as const;
      const { stdout, stderr } = spawnSync(shell, completing[shell]([program, ...words]), options);
      expect(stderr).toBe("");
      return stdout
        .split("\n")
        .flatMap((line) => line.split("\t").slice(0, 1))
        .filter((word) => word !== "");
    };
    expect(complete("")).toEqual(expect.arrayContaining(["ls", "put", "verify", "completion"]));
    expect(complete("search", "--ord")).toContain("--order");
    expect(complete("search", "--order", "")).toEqual(expect.arrayContaining(["newest", "key"]));
    expect(complete("completion", "").toSorted()).toEqual(["bash", "fish", "zsh"]);
    expect(complete("ls", "--root", root, "ru")).toEqual(["runs/"]);
    expect(complete("cat", "--root", root, "runs/mar").toSorted()).toEqual(["runs/march.txt", "runs/march/"]);
    const inFolder = ["runs/march/a.csv", "runs/march/with space.txt"];
    expect(
      complete("cat", "--root", root, "runs/march/")
        .map((word) => word.replaceAll("\\", ""))
        .toSorted(),
    ).toEqual(inFolder);
    expect(complete("cat", "--root", root, "runs/o")).toEqual(["runs/odd@3@latest"]);
    expect(complete("cat", "--root", root, "nothing/x")).toEqual([]);
    expect(complete("setup", "c").filter((word) => word.endsWith("/"))).toEqual([]);
    if (shell !== "bash") return; // it breaks words at ":" and "@". A candidate takes the place of what is after ":", or from "@" on
    const last = (line: string, ...words: string[]): string[] =>
      completeIn({ LINE: `artifacts-mcp cat --root ${root} ${line}` }, "cat", "--root", root, ...words);
    expect(last("runs/march.txt@", "runs/march.txt", "@")).toEqual(["@1", "@latest"]);
    expect(last("runs/march.txt@l", "runs/march.txt", "@", "l")).toEqual(["@latest"]);
    expect(last("runs/odd@", "runs/odd", "@")).toEqual(["@3@latest"]);
    expect(last("s3://runs/march.t", "s3", ":", "//runs/march.t")).toEqual(["//runs/march.txt"]);
    expect(last("s3:", "s3", ":")).toEqual([]);
    expect(last("s3://", "s3", ":", "//")).toEqual(["//runs/"]);
    expect(last("s3://runs/march.txt@", "s3", ":", "//runs/march.txt", "@")).toEqual(["@1", "@latest"]);
  });
});

it("completion of another shell says which there are, exit 2", () => {
  expectRefusal(runCommand(["completion", "tcsh"]), 2, "bash, zsh, fish");
  expectRefusal(runCommand(["completion"]), 2, "bash, zsh, fish");
});
