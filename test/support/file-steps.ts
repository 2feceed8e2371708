import type { FileHandle } from "node:fs/promises";

/** Runs one call of the file system, or does something else instead. */
export type Around = (name: string, act: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>;

/**
 * `node:fs/promises` for `vi.mock`. A test can act around each call, also around the calls of open files.
 *
 * @param around called at each call, so that a test can set the function later
 */
export function stepwiseFiles<Module extends object>(module: Module, around: () => Around | undefined): Module {
  const run: Around = (name, act, args) => around()?.(name, act, args) ?? act();
  const steps = Object.entries(module).map(([name, value]) => {
    if (typeof value !== "function") return [name, value];
    const step = async (...args: unknown[]) => {
      const result = await run(name, () => value(...args), args);
      return name === "open" ? stepwiseFile(result as FileHandle, run) : result;
    };
    return [name, step];
  });
  return Object.fromEntries(steps) as Module;
}

function stepwiseFile(file: FileHandle, run: Around): FileHandle {
  return new Proxy(file, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => run(`file.${String(name)}`, () => value.apply(target, args), args);
    },
  });
}

/** An error with this code, like an error of the system. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: as a test wants it`), { code });
}
