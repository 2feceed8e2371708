const likeLs = "ls lists buckets, folders and artifacts";
const likePut = "put saves a file, or with -r a folder";
const likeGet = "get writes an artifact, or with -r a folder, to files";
const likeRm = "rm deletes, and with -r all under a prefix";
const likeSync = "sync makes a folder and a prefix equal, either way";
const likeDescribe = "describe says what content is, ls -l when and by whom it was saved";
const likeCat = "cat writes content to stdout, for any program to read: cat BUCKET/KEY | head";
const likeSearch = "search finds artifacts by words, and ls -r lists all";
const noAccount = "there is no account: --root names the store, and setup HOST configures a host";
const noFolder = "a folder is the beginning of keys, so put makes it";
const shared = "a server with --http gives each artifact a URL: get_artifact and GET /v1/artifacts/BUCKET/KEY tell it";
const serving = "without a command it serves the store";

/** What does the work of a command that other programs have: `aws s3`, `mc`, `gsutil`, git, and those of Unix. */
const foreignWords: Readonly<Record<string, string>> = {
  list: likeLs,
  dir: likeLs,
  ll: likeLs,
  buckets: likeLs,
  artifacts: likeLs,
  upload: likePut,
  save: likePut,
  store: likePut,
  add: likePut,
  push: likePut,
  pipe: likePut,
  download: likeGet,
  fetch: likeGet,
  pull: likeGet,
  copy: "cp copies inside the store; put saves files, and get writes them",
  move: "mv moves inside the store",
  rename: "mv moves inside the store",
  delete: likeRm,
  del: likeRm,
  remove: likeRm,
  unlink: likeRm,
  rmdir: likeRm,
  rb: "rm -r BUCKET/ deletes all that is in a bucket, and then there is no bucket",
  mb: "put saves into a new bucket too, which needs no making; bucket set gives it limits",
  mkdir: noFolder,
  touch: noFolder,
  mirror: likeSync,
  rsync: likeSync,
  find: likeSearch,
  locate: likeSearch,
  grep: `search finds artifacts by words in their names and metadata; ${likeCat.replace("head", "grep WORD")}`,
  stat: likeDescribe,
  info: likeDescribe,
  show: likeDescribe,
  file: likeDescribe,
  head: likeCat,
  tail: likeCat.replace("head", "tail"),
  less: likeCat.replace("head", "less"),
  more: likeCat.replace("head", "more"),
  read: likeCat,
  wc: likeDescribe,
  hash: "ls -l prints the SHA-256 of each artifact",
  compare: "diff compares two artifacts, or two versions",
  cmp: "diff compares two artifacts, or two versions",
  log: "versions lists the versions of an artifact",
  history: "versions lists the versions of an artifact",
  undo: "cp BUCKET/KEY@VERSION BUCKET/KEY makes an older version the newest",
  rollback: "cp BUCKET/KEY@VERSION BUCKET/KEY makes an older version the newest",
  sessions: "uploads lists unfinished uploads, and uploads --abort ID removes them",
  abort: "uploads --abort ID removes an unfinished upload",
  share: shared,
  presign: shared,
  signurl: shared,
  url: shared,
  quota: "bucket set gives a bucket a limit",
  lifecycle: "bucket set NAME --max-age gives the artifacts of a bucket an end",
  ilm: "bucket set NAME --max-age gives the artifacts of a bucket an end",
  dump: "backup saves the whole store, export writes files",
  fsck: "verify checks every row and every byte",
  check: "verify checks every row and every byte",
  status: "doctor reports on this installation",
  install: "setup HOST configures a host",
  init: noAccount,
  config: noAccount,
  configure: noAccount,
  alias: noAccount,
  login: noAccount,
  serve: serving,
  server: serving,
  start: serving,
  run: serving,
  s3: 'leave the word s3 out, as in "artifacts-mcp ls"',
  s3api: 'leave the word s3api out, as in "artifacts-mcp ls"',
};

/** What does the work of an option that other programs have. */
const foreignOptions: Readonly<Record<string, string>> = {
  "-R": "-r takes a whole folder",
  "-a": "nothing is hidden",
  "--all": "nothing is hidden",
  "--human-readable": "sizes are for a person on a terminal, and exact with --long",
  "--summarize": "du adds up sizes",
  "-s": "du adds up sizes",
  "--force": "--yes does not ask, and --overwrite replaces files",
  "-f": "--yes does not ask, and --overwrite replaces files",
  "--dryrun": "--dry-run changes nothing",
  "--output": "--json prints JSON",
  "--quiet": "problems go to stderr, and progress only to a terminal",
  "-q": "problems go to stderr, and progress only to a terminal",
  "--version-id": "a version is a part of the address: BUCKET/KEY@VERSION",
  "--content-type": "--mime-type names the type",
  "--endpoint-url": "--root names the store",
  "--profile": "--root names the store",
};

/** Returns what does the work of an option of another program, as it was written. Returns undefined for an unknown one. */
export function meantOption(rawName: string): string | undefined {
  return Object.hasOwn(foreignOptions, rawName) ? foreignOptions[rawName] : undefined;
}

/** Returns which command does what a word of another program says. Returns undefined for an unknown word. */
export function meantCommand(word: string): string | undefined {
  const key = word.toLowerCase();
  return Object.hasOwn(foreignWords, key) ? foreignWords[key] : undefined;
}
