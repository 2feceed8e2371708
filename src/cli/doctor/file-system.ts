import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { type Finding, fault, note, ok } from "./finding.js";

/** Names of file systems, by the number that statfs(2) of Linux returns for each. */
const names: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x2fc12fc1, "zfs"],
  [0xf2f52010, "f2fs"],
  [0x794c7630, "overlay"],
  [0x01021994, "tmpfs"],
  [0x6969, "nfs"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x01021997, "9p"],
  [0x65735546, "fuse"],
  [0x2011bab0, "exfat"],
  [0x4d44, "vfat"],
]);
const sharedByMachines = ["nfs", "cifs", "smb2", "9p"];
const lowBytes = 1024 ** 3;

/** Reports on the file system of a path. If the path does not exist, its nearest parent that exists takes its place. */
export async function fileSystemFinding(path: string): Promise<Finding> {
  const found = await statfs(path).catch(() => undefined);
  if (found === undefined) return fileSystemFinding(dirname(path));
  const { type, bavail, bsize } = found;
  const name = process.platform === "linux" ? (names.get(type) ?? `type 0x${type.toString(16)}`) : "";
  const freeBytes = bavail * bsize;
  const about = `file system${name && ` ${name}`} of ${path}: ${(freeBytes / 1e9).toFixed(1)} GB free`;
  if (freeBytes === 0) return fault(`${about}; make room`);
  if (sharedByMachines.includes(name)) return note(`${about}; only servers of one machine may use it at a time`);
  if (name === "tmpfs") return note(`${about}; it is in memory, and gone when the machine restarts`);
  return freeBytes < lowBytes ? note(`${about}; that is little`) : ok(about);
}
