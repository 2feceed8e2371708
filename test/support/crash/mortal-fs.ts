import * as fs from "node:fs/promises";
import { step } from "./steps.js";

/** The calls, of the module and of its file handles, that leave the disk as it is; `open` says itself what it is. */
export const readingCalls: ReadonlySet<string> = new Set([
  ...["access", "lstat", "open", "opendir", "readdir", "readFile", "readlink", "realpath", "stat", "statfs", "watch"],
  ...["close", "read", "readLines", "readableWebStream", "createReadStream", "readv"],
]);

/** All of `node:fs/promises`, every call that is not known to leave the disk as it is being a step. */
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

/** The next call of this name in this process fails with `code`, and changes nothing. */
export function failNextCall(call: string, code: string): void {
  failing = { call, code };
}

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

function stepping(name: string, call: Call): Call {
  return async (...values) => {
    step();
    if (failing?.call !== name) return call(...values);
    const { code } = failing;
    failing = undefined;
    throw Object.assign(new Error(`${code}: as the test wants it`), { code });
  };
}

function isChanging(name: string, value: unknown): value is Call {
  return typeof value === "function" && !readingCalls.has(name);
}
