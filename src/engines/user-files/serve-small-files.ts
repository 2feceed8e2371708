import type { Comparison, ExpectedFile, SmallRead, WriteResult } from "../../store/ports/user-files.js";
import { compareFile, readSmallFile, type WholeFile, writeSmallFile } from "./small-files.js";
import { isWithin } from "./store-directory.js";

/** Work on several files, in order. */
export type SmallFilesRequest =
  | {
      readonly kind: "read";
      readonly paths: readonly string[];
      readonly maxBytes: number;
      /** Identities of the store's own directory: nothing in it is read. */
      readonly own: ReadonlySet<string>;
    }
  | { readonly kind: "compare"; readonly files: readonly ExpectedFile[] }
  | { readonly kind: "write"; readonly files: readonly WholeFile[]; readonly overwrite: boolean };

export interface SmallFilesAnswer {
  readonly result: readonly SmallRead[] | readonly Comparison[] | readonly WriteResult[];
  /** Memory in the result that can be moved to another thread. */
  readonly memory: ArrayBuffer[];
}

/** @throws Error if the process lacks something, like open files */
export function serveSmallFiles(request: SmallFilesRequest): SmallFilesAnswer {
  switch (request.kind) {
    case "read": {
      const isOwn = remembering((path) => isWithin(request.own, path));
      const result = request.paths.map((path) => readSmallFile(path, request.maxBytes, isOwn));
      const memory = result.flatMap((read) => (read.kind === "read" ? [read.bytes.buffer as ArrayBuffer] : []));
      return { result, memory };
    }
    case "compare":
      return { result: request.files.map(compareFile), memory: [] };
    case "write":
      return { result: request.files.map((file) => writeSmallFile(file, request.overwrite)), memory: [] };
  }
}

/** Files of one directory ask the same. */
function remembering(ask: (path: string) => boolean): (path: string) => boolean {
  const answers = new Map<string, boolean>();
  return (path) => {
    const answer = answers.get(path) ?? ask(path);
    answers.set(path, answer);
    return answer;
  };
}
