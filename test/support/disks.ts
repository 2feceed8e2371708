import { spawnSync } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Whether disks can be made and mounted here. If not, tests that need a disk are skipped, and show `needsMounts`. */
export const canMount = process.platform === "linux" && process.getuid?.() === 0 && tryMount();
export const needsMounts = "(needs root on Linux, to mount a disk)";

function tryMount(): boolean {
  if (spawnSync("mkfs.ext4", ["-V"]).status !== 0) return false;
  // Mounting fails in a container without the capability or without loop devices.
  const script = `set -e; d=$(mktemp -d); truncate -s 2M $d/image; mkfs.ext4 -q $d/image; mkdir $d/disk
    mount -o loop $d/image $d/disk && { umount $d/disk; rm -r $d; } || { rm -r $d; exit 1; }`;
  return spawnSync("sh", ["-c", script]).status === 0;
}

/** Runs a command. @throws Error with what the command wrote */
export function command(name: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} ${args.join(" ")} failed: ${error ?? stderr}`);
}

/** A mounted disk. It is removed, with everything on it, when the test ends. */
export interface Disk {
  readonly path: string;
  unmount(): Promise<void>;
}

async function mounted(...args: string[]): Promise<Disk> {
  const path = await mkdtemp(join(tmpdir(), "artifacts-mcp-disk-"));
  let isMounted = true;
  const disk = {
    path,
    async unmount() {
      if (!isMounted) return;
      isMounted = false;
      command("umount", "--lazy", path); // works also if a file is still open: a failed test must leave no disk behind
      await rm(path, { recursive: true, force: true });
    },
  };
  try {
    command("mount", ...args, path);
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
  onTestFinished(() => disk.unmount());
  return disk;
}

/** Mounts a disk in memory with room for this many bytes. */
export const memoryDisk = (bytes: number): Promise<Disk> => mounted("-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs");

/** Makes a new ext4 image. */
export async function newImage(path: string, bytes: number): Promise<void> {
  await writeFile(path, "");
  await truncate(path, bytes);
  command("mkfs.ext4", "-q", "-E", "lazy_itable_init=0", path);
}

/** Mounts an image, with options for `mount -o`. A journal that is not empty is replayed. */
export const imageDisk = (path: string, ...options: string[]): Promise<Disk> =>
  mounted("-t", "ext4", "-o", ["loop", ...options].join(","), path);

/** Makes a folder read-only for every file opened below it from now on. Call the returned function to undo this. */
export async function coverReadOnly(path: string): Promise<() => void> {
  command("mount", "--bind", path, path);
  let isCovered = true;
  const uncover = (): void => {
    if (isCovered) command("umount", "--lazy", path);
    isCovered = false;
  };
  onTestFinished(uncover);
  command("mount", "-o", "remount,bind,ro", path);
  return uncover;
}
