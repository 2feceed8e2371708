import type { StoreCommandName } from "../options/command-names.js";
import type { StoreCommand } from "./store-command.js";

/** Loads the code of a command. Each is loaded when it is used, and the server loads none. */
export const storeCommands: Readonly<Record<StoreCommandName, () => Promise<StoreCommand>>> = {
  ls: async () => (await import("./listing/ls.js")).ls,
  tree: async () => (await import("./listing/tree.js")).tree,
  search: async () => (await import("./listing/search.js")).search,
  versions: async () => (await import("./listing/versions.js")).versions,
  du: async () => (await import("./listing/du.js")).du,
  uploads: async () => (await import("./listing/uploads.js")).uploads,
  cat: async () => (await import("./reading/cat.js")).cat,
  describe: async () => (await import("./reading/describe.js")).describe,
  diff: async () => (await import("./reading/diff.js")).diff,
  put: async () => (await import("./transfer/put.js")).put,
  get: async () => (await import("./transfer/get.js")).get,
  sync: async () => (await import("./transfer/sync.js")).sync,
  cp: async () => (await import("./changing/cp.js")).cp,
  mv: async () => (await import("./changing/mv.js")).mv,
  rm: async () => (await import("./changing/rm.js")).rm,
  bucket: async () => (await import("./changing/bucket.js")).bucket,
  export: async () => (await import("./archive/export.js")).exportCommand,
  import: async () => (await import("./archive/import.js")).importCommand,
  backup: async () => (await import("./backup/backup.js")).backup,
  restore: async () => (await import("./backup/restore.js")).restore,
};
