import { type ConnectOptions, connect, uploadsOf } from "./mcp-client.js";
import { createMemoryEngines } from "./stores.js";

/** What the clock says in these suites. */
export const nowSeconds = 1_800_000_000;
export const day = 24 * 60 * 60;

/** A client of a new store in memory, with a call for each step of an upload. */
export async function connectForUploads(options: ConnectOptions = {}) {
  const engines = createMemoryEngines();
  const connection = await connect(engines, { now: () => nowSeconds * 1000, ...options });
  return { ...connection, ...uploadsOf(connection), engines };
}
