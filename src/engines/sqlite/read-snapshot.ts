import type { StoredRow } from "../../store/ports/metadata-store.js";
import { translatingErrors } from "../engine-error.js";
import type { LocalConnection } from "./database/connection.js";
import { readRange, type Select } from "./ordered-pages.js";

const pageRows = 500;

/**
 * Implements `MetadataStore.snapshot` by a read transaction. Writers go on beside it, but the WAL cannot be emptied until
 * it has ended.
 *
 * @param connection for this call alone, which closes it
 */
export async function readSnapshot(
  connection: LocalConnection,
  prefixes: readonly string[],
  visit: (rows: readonly StoredRow[]) => Promise<void>,
): Promise<void> {
  const select: Select = (sql, ...values) => translatingErrors(() => connection.all(sql, values));
  try {
    await select("BEGIN"); // the first page fixes the moment
    for (const prefix of prefixes) {
      let after: string | undefined;
      do {
        const page = await readRange(select, prefix, { after, limit: pageRows });
        if (page.length > 0) await visit(page);
        after = page.length < pageRows ? undefined : page.at(-1)?.key;
      } while (after !== undefined);
    }
  } finally {
    // The prebuilt driver may keep a closed connection open for a while, and with it the transaction.
    await connection.all("ROLLBACK").catch(() => undefined); // an error has ended it already, and is thrown
    await connection.close();
  }
}
