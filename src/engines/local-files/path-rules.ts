import type { PlatformPath } from "node:path";
import { ArtifactError } from "../../store/model/errors.js";

/** As long as Linux takes, the NUL at its end left out. */
const maxPathBytes = 4_095;
const maxShownChars = 300;

/**
 * The path, absolute and without `.` and `..`. Those go by the text, before anything is looked at: what the path passes
 * on its way, outside of what is allowed, makes no difference to the answer.
 *
 * @param api `path.posix` or `path.win32`
 * @throws ArtifactError `invalid_argument` for text that names no file, `path_not_allowed` for a Windows share that no
 * allowed directory is in, which is not even contacted
 */
export function checkPath(api: PlatformPath, path: string, allowed: readonly string[]): string {
  if (!path.isWellFormed())
    throw badPath(path, "holds a lone surrogate (half of a UTF-16 pair), which no file name does: give valid Unicode");
  if (path.includes("\0")) throw badPath(path, "holds a NUL character, which no file name does: give it without");
  if (Buffer.byteLength(path) > maxPathBytes) throw badPath(path, `is longer than ${maxPathBytes} bytes`);
  const inRoot = isWindows(api) ? checkWindowsRoot(api, path, allowed) : path;
  if (!api.isAbsolute(path) || inRoot === undefined) {
    throw badPath(path, `is not absolute: give an absolute path. ${whatIsAllowed(allowed)}`);
  }
  if (isWindows(api)) checkWindowsNames(path, inRoot);
  if (inRoot.length > 1 && inRoot.endsWith(api.sep)) throw badPath(path, "names a directory: end it in a file's name");
  return api.resolve(path);
}

/**
 * Whether `path` is `directory` or below it, by their text: real paths on both sides make it true of the files.
 * Relative paths are in nothing.
 */
export function isInside(api: PlatformPath, directory: string, path: string): boolean {
  if (!api.isAbsolute(directory) || !api.isAbsolute(path)) return false;
  const inner = stepsTo(api, path);
  return stepsTo(api, directory).every((step, index) => step === inner[index]);
}

/** The root, then each name. */
function stepsTo(api: PlatformPath, path: string): string[] {
  const normal = isWindows(api) ? foldCase(api.normalize(path)) : api.normalize(path);
  const { root } = api.parse(normal);
  return [root, ...normal.slice(root.length).split(api.sep)].filter((step) => step !== "");
}

function isWindows(api: PlatformPath): boolean {
  return api.sep === "\\";
}

/** Beyond ASCII, what is the same letter depends on the volume; real paths have the case of the file system anyway. */
function foldCase(path: string): string {
  return path.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What follows the drive or share, with backslashes; undefined where the path has neither. */
function checkWindowsRoot(api: PlatformPath, path: string, allowed: readonly string[]): string | undefined {
  const text = path.replaceAll("/", "\\");
  if (/^\\(?:\\[?.]|\?\?)(?:\\|$)/.test(text)) {
    throw badPath(path, "is in a device namespace: give it with its drive, as C:\\folder\\file");
  }
  const drive = /^[A-Za-z]:(?=\\)/.exec(text)?.[0];
  if (drive !== undefined) return text.slice(drive.length);
  const share = /^\\\\[^\\]+\\[^\\]+/.exec(text)?.[0];
  if (share === undefined) return undefined;
  if (!allowed.some((directory) => isInside(api, share, directory))) throw pathNotAllowed(path, allowed);
  return text.slice(share.length);
}

/** Names that Windows takes for something else: devices, streams, and what it cuts from their end. */
function checkWindowsNames(path: string, inRoot: string): void {
  for (const name of inRoot.split("\\")) {
    if (name === "." || name === "..") continue;
    if (/^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³]) *(?:\.|$)/i.test(name)) {
      throw badPath(path, `holds ${show(name)}, which is a device on Windows: choose another name`);
    }
    if (/[. ]$/.test(name))
      throw badPath(path, `holds ${show(name)}, and Windows takes no name that ends in a dot or a space`);
    if (/[:<>"|?*]/.test(name))
      throw badPath(path, `holds ${show(name)}, and Windows takes none of : < > " | ? * in a name`);
  }
}

function badPath(path: string, what: string): ArtifactError {
  const message = `The path ${show(path)} ${what}`;
  const sentence = message.endsWith(".") ? message : `${message}.`;
  return new ArtifactError("invalid_argument", sentence, { details: { argument: "path" } });
}

/** The same for every path outside, whatever is there. */
export function pathNotAllowed(path: string, allowed: readonly string[]): ArtifactError {
  const none = `The path ${show(path)} cannot be used. ${whatIsAllowed(allowed)}`;
  const outside = `The path ${show(path)} does not lead into an allowed directory, symlinks followed. ${whatIsAllowed(allowed)}`;
  const message = allowed.length === 0 ? none : outside;
  const next = allowed.length === 0 ? "have_path_allowed" : "use_allowed_path";
  return new ArtifactError("path_not_allowed", message, { next, details: { path } });
}

function whatIsAllowed(allowed: readonly string[]): string {
  if (allowed.length === 0) return "No directory is allowed.";
  return `Allowed is what lies in ${allowed.map(show).join(", ")}.`;
}

/**
 * A path for an error message, quoted and cut as JSON quotes. All but ASCII and plain letters and digits is escaped, as
 * \u200b, so that a name that only looks like another is seen to be another.
 */
export function show(path: string): string {
  const text = path.length > maxShownChars ? `${path.slice(0, maxShownChars - 3)}...` : path;
  return JSON.stringify(text).replace(/[^ -~]/gu, (character) =>
    isPlain(character) ? character : escapeUnits(character),
  );
}

function isPlain(character: string): boolean {
  return (
    /[\p{L}\p{N}]/u.test(character) &&
    !/\p{Default_Ignorable_Code_Point}/u.test(character) &&
    character.normalize("NFKC") === character
  );
}

function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
