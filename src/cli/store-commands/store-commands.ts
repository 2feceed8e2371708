import type { StoreCommandName } from "../options/command-names.js";
import type { StoreCommand } from "./store-command.js";

/** Loads the code of a command. Each is loaded when it is used, and the server loads none. */
export const storeCommands: Readonly<Record<StoreCommandName, () => Promise<StoreCommand>>> = {
  ls: async () => (await import("./listing/ls.js")).ls,
  tree: async () => unfinished("tree"),
  search: async () => unfinished("search"),
  versions: async () => unfinished("versions"),
  du: async () => unfinished("du"),
  uploads: async () => unfinished("uploads"),
  cat: async () => unfinished("cat"),
  describe: async () => unfinished("describe"),
  diff: async () => unfinished("diff"),
  put: async () => unfinished("put"),
  get: async () => unfinished("get"),
  sync: async () => unfinished("sync"),
  cp: async () => (await import("./changing/cp.js")).cp,
  mv: async () => (await import("./changing/mv.js")).mv,
  rm: async () => (await import("./changing/rm.js")).rm,
  bucket: async () => (await import("./changing/bucket.js")).bucket,
  export: async () => unfinished("export"),
  import: async () => unfinished("import"),
  backup: async () => unfinished("backup"),
  restore: async () => unfinished("restore"),
};

function unfinished(name: string): never {
  throw new Error(`${name} is not there yet`);
}
