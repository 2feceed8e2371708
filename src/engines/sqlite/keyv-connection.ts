import KeyvSqlite from "@keyv/sqlite";
import { Keyv } from "keyv";
import type { Log } from "../../store/ports/log.js";
import { table, unwrap, wrap } from "./database/keyv-rows.js";

/** How long a statement waits for another process's write. */
export const busyTimeoutMs = 15_000;

export interface KeyvConnection {
  readonly keyv: Keyv;
  readonly adapter: KeyvSqlite;
}

/** @param uri made by `connectionUri` */
export async function connectKeyv(uri: string, log: Log): Promise<KeyvConnection> {
  const adapter = new KeyvSqlite({ uri: `sqlite://${uri}`, table, keySize: 1024, busyTimeout: busyTimeoutMs });
  const keyv = new Keyv({
    store: adapter,
    // Prefixes and expiry stay out of the rows: the statements of this file do not see them.
    useKeyPrefix: false,
    throwOnErrors: true,
    serialize: ({ value }) => wrap(String(value)),
    deserialize: (value) => ({ value: unwrap(value) as never }),
  });
  keyv.on("error", (error) => log("debug", "metadata_error", { error: String(error) })); // its caller has it too
  await adapter.query("SELECT 1"); // a failed open must reject here, and not be left unhandled
  return { keyv, adapter };
}
