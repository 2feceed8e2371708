import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, makeIfAbsent, syncFolder } from "../file-system.js";

/**
 * The shards: the folders among which the content is divided by the first character of the session's id. These ids are
 * random and hexadecimal, so the shards fill evenly. Making 16 shards takes 0.5 ms. Making 256 took 30 ms, which is
 * long for a store that is made for one evaluation.
 */
const usualShards = Array.from({ length: 16 }, (_, number) => number.toString(16));

export const contentFolder = (root: string): string => join(root, "content");

/** The folder that holds all pieces of a session. */
export function shardOf(session: string): string {
  return session.slice(0, 1);
}

/** Whether a folder of `content/` has the name of a shard. */
export function isShard(name: string): boolean {
  return name.length === 1;
}

/** Durably makes the missing shards. */
export async function makeShards(root: string): Promise<void> {
  const content = contentFolder(root);
  await makeFolder(content);
  const found = new Set(await readdir(content));
  const missing = usualShards.filter((shard) => !found.has(shard));
  if (missing.length === 0) return;
  for (const shard of missing) await makeIfAbsent(join(content, shard));
  await syncFolder(content);
}

/** Durably makes a shard again after somebody has removed it. The root is not made: without it there is no store. */
export async function restoreShard(root: string, shard: string): Promise<void> {
  const content = contentFolder(root);
  await makeIfAbsent(content);
  await makeIfAbsent(join(content, shard));
  await syncFolder(content);
  await syncFolder(dirname(content));
}
