import * as fs from "node:fs/promises";
import { step } from "./steps.js";

/** The calls, of the module and of its file handles, that leave the disk as it is; `open` says itself what it is. */
export const readingCalls: ReadonlySet<string> = new Set([
  ...["access", "lstat", "open", "opendir", "readdir", "readFile", "readlink", "realpath", "stat", "statfs", "watch"],
  ...["close", "read", "readLines", "readableWebStream", "createReadStream", "readv"],
]);

/** All of `node:fs/promises`, every call that is not known to leave the disk as it is being a step. */
export const mortalFileSystem: Record<string, unknown> = Object.fromEntries(
  Object.entries(fs).map(([name, value]) => [name, isChanging(name, value) ? stepping(value) : value]),
);

mortalFileSystem.open = async (...values: Parameters<typeof fs.open>): Promise<fs.FileHandle> => {
  if (values[1] !== "r") step();
  const file = await fs.open(...values);
  return new Proxy(file, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const method = value.bind(target);
      return isChanging(String(name), method) ? stepping(method) : method;
    },
  });
};

let isHidden = false;

/** From here on nobody is told what the file system is. */
export function hideFileSystem(): void {
  isHidden = true;
}

mortalFileSystem.statfs = async (path: string): Promise<unknown> => {
  const found = await fs.statfs(path);
  return isHidden ? { ...found, type: 0 } : found;
};

type Call = (...values: unknown[]) => unknown;

function stepping(call: Call): Call {
  return (...values) => {
    step();
    return call(...values);
  };
}

function isChanging(name: string, value: unknown): value is Call {
  return typeof value === "function" && !readingCalls.has(name);
}
