import type { PlatformPath } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";
import { quotePath } from "./quote-path.js";

/** The longest path that Linux takes, without the NUL at its end. */
const maxPathBytes = 4_095;

/**
 * The path, absolute and without `.` and `..`. These are removed by the text alone, before the file system is read. So
 * directories outside that the path passes through make no difference to the answer.
 *
 * @param api `path.posix` or `path.win32`
 * @throws ArtifactError `invalid_argument` for text that names no file; `path_not_allowed` for a Windows share that no
 * allowed directory is in. Such a share is not contacted.
 */
export function checkPath(api: PlatformPath, path: string, allowed: readonly string[]): string {
  if (!path.isWellFormed()) {
    throw badPath(
      path,
      "contains a lone surrogate (half of a UTF-16 pair), which no file name contains: give valid Unicode",
    );
  }
  if (path.includes("\0")) throw badPath(path, "contains a NUL character, which no file name contains: remove it");
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw badPath(path, `is longer than ${maxPathBytes} bytes: give a shorter path`);
  }
  const inRoot = isWindows(api) ? checkWindowsRoot(api, path, allowed) : path;
  if (!api.isAbsolute(path) || inRoot === undefined) {
    throw badPath(path, `is not absolute: give an absolute path. ${allowedText(allowed)}`);
  }
  if (isWindows(api)) checkWindowsNames(path, inRoot);
  if (inRoot.length > 1 && inRoot.endsWith(api.sep)) {
    throw badPath(path, "names a directory: end it with the name of a file");
  }
  return api.resolve(path);
}

/** The path of a directory, like `checkPath`. Separators at its end are removed. @throws ArtifactError as `checkPath` */
export function checkFolderPath(api: PlatformPath, path: string, allowed: readonly string[]): string {
  const separators = isWindows(api) ? ["/", "\\"] : ["/"];
  const { root } = api.parse(path);
  let end = path.length;
  while (end > root.length && separators.includes(path.charAt(end - 1))) end -= 1;
  return checkPath(api, path.slice(0, end), allowed);
}

/**
 * Whether `path` is `directory` or below it, by their text alone. For real paths this is also true of the files. A
 * relative path is in no directory.
 */
export function isInside(api: PlatformPath, directory: string, path: string): boolean {
  if (!api.isAbsolute(directory) || !api.isAbsolute(path)) return false;
  const names = namesOf(api, path);
  return namesOf(api, directory).every((name, index) => name === names[index]);
}

/** The root, then each name. */
function namesOf(api: PlatformPath, path: string): string[] {
  const normal = isWindows(api) ? foldCase(api.normalize(path)) : api.normalize(path);
  const { root } = api.parse(normal);
  return [root, ...normal.slice(root.length).split(api.sep)].filter((name) => name !== "");
}

function isWindows(api: PlatformPath): boolean {
  return api.sep === "\\";
}

/**
 * Folds ASCII letters only. Which other letters are equal depends on the volume. Real paths have the case of the file
 * system in any case.
 */
function foldCase(path: string): string {
  return path.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The part after the drive or share, with backslashes; undefined if the path has neither. */
function checkWindowsRoot(api: PlatformPath, path: string, allowed: readonly string[]): string | undefined {
  const text = path.replaceAll("/", "\\");
  if (/^\\(?:\\[?.]|\?\?)(?:\\|$)/.test(text)) {
    throw badPath(path, "is in a device namespace: give it with its drive, like C:\\folder\\file");
  }
  const drive = /^[A-Za-z]:(?=\\)/.exec(text)?.[0];
  if (drive !== undefined) return text.slice(drive.length);
  const share = /^\\\\[^\\]+\\[^\\]+/.exec(text)?.[0];
  if (share === undefined) return undefined;
  if (!allowed.some((directory) => isInside(api, share, directory))) throw pathNotAllowed(path, allowed);
  return text.slice(share.length);
}

/** Rejects names that mean something else on Windows: devices, streams, and names whose end Windows cuts off. */
function checkWindowsNames(path: string, inRoot: string): void {
  for (const name of inRoot.split("\\")) {
    if (name === "." || name === "..") continue;
    const quoted = quotePath(name);
    if (/^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³]) *(?:\.|$)/i.test(name)) {
      throw badPath(path, `contains ${quoted}, which is a device on Windows: choose another name`);
    }
    if (/[. ]$/.test(name)) {
      throw badPath(path, `contains ${quoted}, and on Windows no name ends in a dot or a space: choose another name`);
    }
    if (/[:<>"|?*]/.test(name)) {
      throw badPath(
        path,
        `contains ${quoted}, and Windows allows none of : < > " | ? * in a name: choose another name`,
      );
    }
  }
}

function badPath(path: string, problem: string): ArtifactError {
  const message = `The path ${quotePath(path)} ${problem}`;
  const sentence = message.endsWith(".") ? message : `${message}.`;
  return new ArtifactError("invalid_argument", sentence, { details: { argument: "path" } });
}

/** The error for every path outside of the allowed directories. It is the same whether or not a file is there. */
export function pathNotAllowed(path: string, allowed: readonly string[]): ArtifactError {
  const none = `The path ${quotePath(path)} cannot be used. ${allowedText(allowed)}`;
  const outside = `The path ${quotePath(path)} does not lead into an allowed directory after following symlinks. ${allowedText(allowed)}`;
  const message = allowed.length === 0 ? none : outside;
  const next = allowed.length === 0 ? "have_path_allowed" : "use_allowed_path";
  return new ArtifactError("path_not_allowed", message, { next, details: { path } });
}

function allowedText(allowed: readonly string[]): string {
  if (allowed.length === 0) return "No directory is allowed.";
  return `Allowed directories: ${allowed.map(quotePath).join(", ")}.`;
}
