import { type ConnectOptions, connect, uploadsOf } from "./mcp-client.js";
import { createMemoryEngines } from "./stores.js";

/** The time of the clock in the suites that use this file. */
export const nowSeconds = 1_800_000_000;
export const day = 24 * 60 * 60;

/** Connects a client to a new store in memory, with a function for each upload tool. */
export async function connectForUploads(options: ConnectOptions = {}) {
  const engines = createMemoryEngines();
  const connection = await connect(engines, { now: () => nowSeconds * 1000, ...options });
  return { ...connection, ...uploadsOf(connection), engines };
}
