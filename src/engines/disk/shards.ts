import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, makeIfAbsent, syncFolder } from "../file-system.js";

/**
 * The folders of a store's content. The ids of sessions are random and hexadecimal, so that all fill evenly. 16 are made
 * in half a millisecond; 256 took 30, which is much for a store that is made for one evaluation.
 */
const usualShards = Array.from({ length: 16 }, (_, number) => number.toString(16));

export const contentFolder = (root: string): string => join(root, "content");

/** The folder that holds all pieces of a session. */
export function shardOf(session: string): string {
  return session.slice(0, 1);
}

/** Whether a folder of `content/` can be a session's shard. */
export function isShard(name: string): boolean {
  return name.length === 1;
}

/** Durably makes the shards that are missing. */
export async function makeShards(root: string): Promise<void> {
  const content = contentFolder(root);
  await makeFolder(content);
  const found = new Set(await readdir(content));
  const missing = usualShards.filter((shard) => !found.has(shard));
  if (missing.length === 0) return;
  for (const shard of missing) await makeIfAbsent(join(content, shard));
  await syncFolder(content);
}

/** Durably makes a shard again that somebody has removed. The root is not made: without it there is no store. */
export async function restoreShard(root: string, shard: string): Promise<void> {
  const content = contentFolder(root);
  await makeIfAbsent(content);
  await makeIfAbsent(join(content, shard));
  await syncFolder(content);
  await syncFolder(dirname(content));
}
