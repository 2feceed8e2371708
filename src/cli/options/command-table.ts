import type { CommandName } from "./command-names.js";

export interface CommandHelp {
  /** What follows `artifacts-mcp` on the command line. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly help: string;
  /** What an operator should know besides: whole sentences, for docs/options.md only. */
  readonly details: string;
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[];
}

const ofStoreCommand: CommandHelp["exitCodes"] = [
  [0, "it is done"],
  [1, "something could not be done; stderr has a line for each"],
  [2, "the command line is wrong, or stdout cannot be written to"],
];

/** Every command. */
export const commandTable: Readonly<Record<CommandName, CommandHelp>> = {
  serve: {
    usage: "[options] [DIR ...]",
    help: "serve the store, until stdin ends or a signal comes",
    details:
      "It ends after stdin has ended, or at SIGINT or SIGTERM. It first answers the requests that it has received, except that it ends analyses of content; a second signal ends it at once.",
    exitCodes: [
      [0, "it ended as it should, or has printed the help or the version"],
      [
        1,
        "the data directory, the SQLite driver or, with `--no-stdio`, the HTTP address cannot be used, or the export of `--keep-to` failed",
      ],
      [2, "the command line or an environment variable is wrong, or stdout cannot be written to"],
    ],
  },
  ls: {
    usage: "ls [BUCKET[/PREFIX]]",
    help: "list buckets, or what is in one",
    details:
      "With a folder it lists one level, with `--recursive` everything below. `PREFIX` is a folder if there is one of this name, otherwise all keys that begin so. On a terminal it is a table. For a program it is one address a line, which every other command takes; with `--long` exact facts with tabs between them: bytes, time, version, type, address, expiry, who saved it, SHA-256, metadata. A listing of any length is printed as it is read.",
    exitCodes: ofStoreCommand,
  },
  tree: {
    usage: "tree [BUCKET[/PREFIX]]",
    help: "draw the folders of keys",
    details: "`--long` adds size, type and time.",
    exitCodes: ofStoreCommand,
  },
  search: {
    usage: "search WORDS",
    help: "find artifacts by words in their names and metadata",
    details:
      "Each word must be a part of the bucket, the key or the metadata; case is ignored, and content is not searched. All conditions must hold for the newest version. If nothing is found, stderr says which word or condition is the reason, and the exit code is 0.",
    exitCodes: ofStoreCommand,
  },
  versions: {
    usage: "versions BUCKET/KEY",
    help: "list the versions of an artifact",
    details:
      "The newest comes first. For a program it is one address with a version a line, and with `--long` the facts.",
    exitCodes: ofStoreCommand,
  },
  du: {
    usage: "du [BUCKET[/PREFIX]]",
    help: "add up sizes",
    details:
      "It prints the bytes of the newest versions, the bytes of all versions, and the numbers of artifacts and versions: for each bucket, or for each folder one level below the address, and then for the keys in no deeper folder. The last line is the sum of all lines. Content that versions share on the disk counts for each. It reads every row.",
    exitCodes: ofStoreCommand,
  },
  uploads: {
    usage: "uploads [BUCKET[/KEY]] | uploads --abort ID...",
    help: "list unfinished uploads, or remove some",
    details:
      "It prints id, bytes that are stored, size if it is known, status, expiry and address. The status `conflict` means that all bytes are there and the condition for publishing them was not met. `--abort` removes the uploads with these ids and what they have stored, and prints each; it asks nothing.",
    exitCodes: ofStoreCommand,
  },
  cat: {
    usage: "cat BUCKET/KEY[@VERSION] ...",
    help: "write content to stdout",
    details:
      "It takes several addresses. The version is the newest unless `@VERSION` names one. Content whose digest is wrong is not written to its end, and the exit code is 1.",
    exitCodes: ofStoreCommand,
  },
  describe: {
    usage: "describe BUCKET/KEY[@VERSION]",
    help: "say what content is: lines, columns, entries",
    details: "It is the same as what the tool `describe_artifact` tells, without limits on its length.",
    exitCodes: ofStoreCommand,
  },
  diff: {
    usage: "diff A [B]",
    help: "compare two artifacts or versions",
    details:
      "With one address it compares the newest version, or the one that is named, with the other: `diff KEY` the newest with the one before, `diff KEY@2` version 2 with the newest. Texts give a unified diff, which `patch` takes; tables give the rows that changed with `--by COLUMN`; other content gives the first byte that differs. The exit code is 0 also if they differ; `--json` tells it as `kind`.",
    exitCodes: ofStoreCommand,
  },
  put: {
    usage: "put [-r] PATH... BUCKET/[KEY|PREFIX]",
    help: "save a file, or a folder",
    details:
      "With a slash at the end of the address, a file keeps its name. With `-r`, PATH is one folder, and the files below it go under the prefix; the folder's own name is no part of the keys. `-` is stdin. After a kill the same command goes on: a large file with its unfinished upload, and what is saved is not saved again. A file that cannot be saved is named, and the others go on.",
    exitCodes: ofStoreCommand,
  },
  get: {
    usage: "get [-r] BUCKET/[KEY|PREFIX] PATH",
    help: "write an artifact, or all under a prefix, to files",
    details:
      "PATH is a file, or a folder in which the file gets the last part of its key. With `-r` it is a folder, and the rest of each key is a path in it. A file appears when it is whole and synced. One that is there with the same content is left alone, and one with other content is named and stays, unless `--overwrite` is given. After a kill the same command goes on.",
    exitCodes: ofStoreCommand,
  },
  sync: {
    usage: "sync PATH BUCKET/PREFIX | BUCKET/PREFIX PATH",
    help: "make one side like the other, either way",
    details:
      "The second place becomes like the first one. The folder is written as a path, with `/`, `./`, `../` or `~` before it, and an address without. What is missing or differs, by size and SHA-256, is copied over what is there; nothing is deleted without `--delete`. What another program has changed meanwhile in the store is not deleted, nor anything if a part of the source folder could not be read.",
    exitCodes: ofStoreCommand,
  },
  cp: {
    usage: "cp [-r] A B",
    help: "copy inside the store",
    details:
      "A is `BUCKET/KEY` or `BUCKET/KEY@VERSION`. If B ends with a slash, or is a bucket alone, the copy keeps the last part of its key. The copy is a new version if B exists, unless B has the same content already. With `-r` all keys under `A/` are copied to `B/`, each in one step of its own: one that fails has its line on stderr, and the others go on. The same command again goes on after it was stopped.",
    exitCodes: ofStoreCommand,
  },
  mv: {
    usage: "mv [-r] [--overwrite] A B",
    help: "move inside the store",
    details:
      "All versions come along as they are, with their times, under the next numbers of the target. A and B are as for `cp`. A target that exists needs `--overwrite`, which puts the versions on top of its newest one, and refuses if somebody saves there meanwhile. With `-r` each artifact is moved in one step of its own; the same command again goes on after it was stopped.",
    exitCodes: ofStoreCommand,
  },
  rm: {
    usage: "rm [-r] BUCKET/[KEY[@VERSION]|PREFIX]",
    help: "delete an artifact, or all under a prefix",
    details:
      "A key goes with all its versions, or only the version that is named. `-r` deletes all keys under the folder `PREFIX/`, or the whole bucket. It shows first how many they are, and asks; where stdin is no terminal it needs `--yes`. What others save meanwhile stays. The same command again goes on after it was stopped. Unfinished uploads are left alone.",
    exitCodes: ofStoreCommand,
  },
  bucket: {
    usage: "bucket [ls | show NAME | set NAME [--max-age D] [--max-bytes N]]",
    help: "see or set the limits of a bucket",
    details:
      "Without a word, or with `ls`, it lists the buckets with their limits and what they hold. `set` prints what the bucket holds now, and how many artifacts will go. A bucket can be limited before anything is in it. Servers obey within a minute; in a new or restored store what is old already may wait for an hour, until a clock has proved right. `--max-bytes` refuses new content and deletes nothing: what is above a lowered limit stays, and what an upload has sent can be completed. Only `--max-age` deletes.",
    exitCodes: ofStoreCommand,
  },
  export: {
    usage: "export DIR [BUCKET[/PREFIX]]",
    help: "write the newest versions to files, with a manifest",
    details:
      "Each artifact becomes the file `DIR/<bucket>/<key>`. `DIR/manifest.json` is written last, so a directory that has one is whole. It lists bucket, key, version, bytes, SHA-256, type and metadata, one artifact a line, in order; two exports of equal artifacts are equal byte by byte. An artifact whose name some file system refuses lies in `DIR/~renamed`, and the manifest says under which name. DIR is made, is empty, or has an earlier export, which is brought up to date; a file that is not of an export is left as it is. One export at a time may write to DIR; another one is refused. A killed one is ended by the same command, and so is one that found the disk full.",
    exitCodes: ofStoreCommand,
  },
  import: {
    usage: "import DIR",
    help: "save what export wrote",
    details:
      "The bytes of each file are checked against the manifest. A version gets the number that the manifest has, unless its key has given out as high a number; what is the newest version already is not saved again. The expiry and the older versions of an artifact are not part of an export. A killed import is continued by the same command.",
    exitCodes: ofStoreCommand,
  },
  backup: {
    usage: "backup DIR",
    help: "back up the whole store while servers run",
    details:
      "DIR is new, empty, or has an earlier backup of the same store, and lies outside the data directory. The rows are taken as of one moment, then the content that they name is written, each once. Content that DIR has already is not read again, unless `--check` is given. Until the new backup is whole, DIR has the one before. After a kill, the same command continues. What was deleted meanwhile is listed, and left out.",
    exitCodes: ofStoreCommand,
  },
  restore: {
    usage: "restore DIR",
    help: "fill an empty store from a backup",
    details:
      "The store is made if there is none; one that holds artifacts is refused. After a kill, the same command continues. At the end every row is compared with the backup, and the store is verified. Unfinished uploads continue with the same id. URLs that were signed before work only if the file `signing-key` is copied.",
    exitCodes: ofStoreCommand,
  },
  verify: {
    usage: "verify [--root DIR] [--repair] [--compact] [--json]",
    help: "check every row and every byte of the store",
    details: "Servers may run meanwhile.",
    exitCodes: [
      [0, "there are no faults, or all were repaired"],
      [1, "there are faults"],
      [2, "it could not run"],
    ],
  },
  setup: {
    usage: "setup HOST [--write | --remove] [--name NAME] [options]",
    help: "print, write or remove the configuration of a host, like claude-desktop, cursor or codex",
    details:
      "Options of the server that follow HOST go into the configuration, and so do directories to allow. Without `--write` and `--remove` it only prints what to put where.",
    exitCodes: [
      [0, "it is done"],
      [1, "it could not be done, and nothing was changed"],
      [2, "the command line is wrong, or the host is not known"],
    ],
  },
  doctor: {
    usage: "doctor [--root DIR]",
    help: "report on Node, SQLite, the data directory and the hosts of this machine",
    details: "It changes nothing.",
    exitCodes: [
      [0, "there are no faults"],
      [1, "there are faults"],
      [2, "the command line is wrong"],
    ],
  },
  completion: {
    usage: "completion bash|zsh|fish",
    help: "print a script that completes commands and options in a shell",
    details:
      'The script completes commands, options, their values, and addresses, for which it asks the program itself. In `~/.bashrc`, or in `~/.zshrc` after `compinit`: `eval "$(artifacts-mcp completion bash)"` with the name of the shell. For fish: `artifacts-mcp completion fish > ~/.config/fish/completions/artifacts-mcp.fish`.',
    exitCodes: [
      [0, "it is done"],
      [2, "the command line is wrong"],
    ],
  },
};
