import * as fs from "node:fs/promises";
import { step } from "./steps.js";

/** Calls of the module and of its file handles that do not change the disk. `open` decides by its flags. */
export const readingCalls: ReadonlySet<string> = new Set([
  ...["access", "lstat", "open", "opendir", "readdir", "readFile", "readlink", "realpath", "stat", "statfs", "watch"],
  ...["close", "read", "readLines", "readableWebStream", "createReadStream", "readv"],
]);

/** All of `node:fs/promises`. Every call is a step, unless it is known not to change the disk. */
export const mortalFileSystem: Record<string, unknown> = Object.fromEntries(
  Object.entries(fs).map(([name, value]) => [name, isChanging(name, value) ? stepping(name, value) : value]),
);

mortalFileSystem.open = async (...values: Parameters<typeof fs.open>): Promise<fs.FileHandle> => {
  if (values[1] !== "r") step();
  const file = await fs.open(...values);
  return new Proxy(file, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const method = value.bind(target);
      return isChanging(String(name), method) ? stepping(String(name), method) : method;
    },
  });
};

let failing: { readonly call: string; readonly code: string } | undefined;

/** Makes the next call of this name in this process fail with `code`. It changes nothing. */
export function failNextCall(call: string, code: string): void {
  failing = { call, code };
}

let isHidden = false;

/** Hides the type of the file system from now on. */
export function hideFileSystem(): void {
  isHidden = true;
}

mortalFileSystem.statfs = async (path: string): Promise<unknown> => {
  const found = await fs.statfs(path);
  return isHidden ? { ...found, type: 0 } : found;
};

type Call = (...values: unknown[]) => unknown;

function stepping(name: string, call: Call): Call {
  return async (...values) => {
    step();
    if (failing?.call !== name) return call(...values);
    const { code } = failing;
    failing = undefined;
    throw Object.assign(new Error(`${code}: injected by the test`), { code });
  };
}

function isChanging(name: string, value: unknown): value is Call {
  return typeof value === "function" && !readingCalls.has(name);
}
