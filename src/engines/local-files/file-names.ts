import { platform } from "node:os";
import type { PlatformPath } from "node:path";
import type { ArtifactError } from "../../store/model/errors.js";
import { invalidPath, maxNameBytes } from "./local-file-errors.js";
import { checkPath } from "./path-rules.js";
import { quotePath } from "./quote-path.js";

/** Systems whose usual file systems do not tell `a` from `A`. */
const foldingSystems: readonly string[] = ["darwin", "win32"];

/**
 * Checks that files can have these names below a directory, and that no two names are one file.
 *
 * @param names with `/` between segments
 * @param system a value of `os.platform()`
 * @throws ArtifactError `invalid_argument`
 */
export function checkFileNames(
  api: PlatformPath,
  directory: string,
  names: readonly string[],
  system: string = platform(),
): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    checkPath(api, api.join(directory, name), [directory]);
    const long = name.split("/").find((segment) => Buffer.byteLength(segment) > maxNameBytes);
    if (long !== undefined)
      throw nothingWritten(
        `${quotePath(name)} has a part that is longer than ${maxNameBytes} bytes, and no file can have that name`,
      );
    if (!foldingSystems.includes(system)) continue;
    const folded = name.normalize("NFC").toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined) {
      throw nothingWritten(`${quotePath(other)} and ${quotePath(name)} differ only in case, and would be one file`);
    }
    seen.set(folded, name);
  }
}

function nothingWritten(problem: string): ArtifactError {
  return invalidPath(`${problem}. Nothing was written: export such an artifact alone, under another name.`);
}
