import { sha256Of } from "../model/artifact.js";
import { foldersAbove } from "../model/names/folders-above.js";

/** The artifact of a file. */
export interface Address {
  readonly bucket: string;
  readonly key: string;
}

/** The name of the manifest in an export. */
export const manifestName = "manifest.json";

/** Where files lie whose artifact has a name that no file can have. No bucket can have this name. */
const renamedFolder = "~renamed";

/** A longer path leaves too little room for the directory of the export on macOS, which takes 1,024 bytes. */
const maxPathBytes = 512;
const maxNameBytes = 255;
const maxTailChars = 64;

/** Devices of Windows. With an ending they are devices too. */
const reserved = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)/i;
const unsafe = /[<>:"|?*]|[. ]$/;

/** The name of a file whose artifact has nothing that a file system could refuse. */
export function plainName({ bucket, key }: Address): string {
  return `${bucket}/${key}`;
}

/**
 * The names of the files of an export, in the order of its artifacts. Each is `<bucket>/<key>` if every usual file system
 * takes that name beside the others, whatever this machine has. So an export has the same names everywhere.
 *
 * @param addresses in their order, each once
 */
export function archiveNames(addresses: readonly Address[]): string[] {
  const folders = new Set(addresses.map(plainName).filter(isPlain).flatMap(foldersAbove).map(folded));
  const files = new Set<string>();
  return addresses.map((address) => {
    const name = plainName(address);
    const place = folded(name);
    if (!isPlain(name) || folders.has(place) || files.has(place)) return renamed(address);
    files.add(place);
    return name;
  });
}

function isPlain(name: string): boolean {
  const segments = name.split("/");
  if (folded(segments[0] ?? "") === manifestName) return false;
  if (Buffer.byteLength(name) > maxPathBytes) return false;
  return segments.every(
    (segment) => Buffer.byteLength(segment) <= maxNameBytes && !reserved.test(segment) && !unsafe.test(segment),
  );
}

/** Equal for two names that some file system takes for the same one. */
function folded(name: string): string {
  const shown = name.replace(/\p{Default_Ignorable_Code_Point}/gu, "");
  return shown.toUpperCase().toLowerCase().normalize("NFC");
}

/** A name that no other artifact gets. Its end shows what the file is. */
function renamed({ bucket, key }: Address): string {
  const digest = sha256Of(`${bucket}\t${key}`).slice(0, 32);
  const last = key.slice(key.lastIndexOf("/") + 1).replace(/[^A-Za-z0-9._-]+/g, "_");
  return `${renamedFolder}/${digest}-${last.slice(-maxTailChars).replace(/\.+$/, "")}`;
}

/** Whether a file below the directory of an export can have this name. */
export function isFileName(name: string): boolean {
  const segments = name.split("/");
  return name !== manifestName && !/[\p{Cc}\\]/u.test(name) && segments.every((part) => !/^\.{0,2}$/.test(part));
}
