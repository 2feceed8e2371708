import KeyvSqlite from "@keyv/sqlite";
import { Keyv } from "keyv";
import type { Log } from "../../store/ports/log.js";
import { table, unwrap, wrap } from "./database/keyv-rows.js";

/** How long a statement waits while another process writes. */
export const busyTimeoutMs = 45_000;

export interface KeyvConnection {
  readonly keyv: Keyv;
  readonly adapter: KeyvSqlite;
}

/** Opens Keyv on a connection. @param uri from `connectionUri` */
export async function connectKeyv(uri: string, log: Log): Promise<KeyvConnection> {
  const adapter = new KeyvSqlite({ uri: `sqlite://${uri}`, table, keySize: 1024, busyTimeout: busyTimeoutMs });
  const keyv = new Keyv({
    store: adapter,
    // Rows must not contain Keyv's prefixes and expiry: the statements that read rows without Keyv do not know them.
    useKeyPrefix: false,
    throwOnErrors: true,
    serialize: ({ value }) => wrap(String(value)),
    deserialize: (value) => ({ value: unwrap(value) as never }),
  });
  keyv.on("error", (error) => log("debug", "metadata_error", { error: String(error) })); // the caller receives it too
  await adapter.query("SELECT 1"); // if the file cannot be opened, the error must come here, where it is handled
  return { keyv, adapter };
}
