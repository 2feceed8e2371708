import type { Guard } from "../../store/ports/metadata-store.js";
import { table, wrap } from "./keyv-rows.js";

/** Does one write after the other. */
export type InTurn = <Result>(write: () => Promise<Result>) => Promise<Result>;

/** Runs a statement that answers the keys of the rows that it has changed. */
export type Query = (sql: string, values: readonly string[]) => Promise<{ readonly key: string }[]>;

/** `MetadataStore.replace` over the statements of one connection. */
export function createReplace(inTurn: InTurn, query: Query) {
  const change = gather(inTurn, query);
  return (key: string, old: string | undefined, next: string | undefined, guard?: Guard): Promise<boolean> => {
    if (old !== undefined && next !== undefined && guard === undefined) return change({ key, old, next });
    const { sql, values } = compareAndSet(key, old, next, guard);
    return inTurn(async () => (await query(sql, values)).length === 1);
  };
}

/** The compare-and-set of a row that is there, without a guard. */
interface Change {
  readonly key: string;
  readonly old: string;
  readonly next: string;
}

interface WaitingChange extends Change {
  /** Of the statement that has taken it, the keys that were changed. */
  changed?: Promise<ReadonlySet<string>>;
}

/** More would save little, and make whoever waits for the statement wait longer. */
const mostChanges = 32;

/**
 * Changes that wait for the writer share a statement, and so a sync: each is still judged by itself.
 *
 * @returns makes one change; answers whether it did
 */
function gather(inTurn: InTurn, query: Query): (change: Change) => Promise<boolean> {
  let waiting: WaitingChange[] = [];

  async function changeWaiting(): Promise<ReadonlySet<string>> {
    const taken = new Map<string, WaitingChange>();
    // Of two changes of one row the second is for its own turn.
    for (const change of waiting) if (taken.size < mostChanges && !taken.has(change.key)) taken.set(change.key, change);
    const all = [...taken.values()];
    waiting = waiting.filter((change) => taken.get(change.key) !== change);
    const { sql, values } = changeAll(all);
    const changed = query(sql, values).then((rows) => new Set(rows.map(({ key }) => key)));
    for (const change of all) change.changed = changed;
    return changed;
  }

  return async (change) => {
    const mine: WaitingChange = { ...change };
    waiting.push(mine);
    // In its turn it is the first that waits, where no turn before has taken it along.
    const changed = await inTurn(async () => mine.changed ?? changeWaiting());
    return changed.has(change.key);
  };
}

function changeAll(changes: readonly Change[]) {
  const rows = changes.map((_, n) => `($${3 * n + 1}, $${3 * n + 2}, $${3 * n + 3})`);
  const sql = `WITH change(key, old, next) AS (VALUES ${rows.join(", ")})
UPDATE ${table} SET value = change.next FROM change WHERE ${table}.key = change.key AND ${table}.value = change.old
RETURNING ${table}.key AS key`;
  return { sql, values: changes.flatMap(({ key, old, next }) => [key, wrap(old), wrap(next)]) };
}

/** Parameters are numbered in the order in which they appear, as SQLite counts them. */
function compareAndSet(key: string, old: string | undefined, next: string | undefined, guard?: Guard) {
  const values: string[] = [];
  const value = (text: string): string => `$${values.push(text)}`;
  const held = (): string => {
    if (guard === undefined) return "";
    const other = `SELECT 1 FROM ${table} AS guard WHERE guard.key = ${value(guard.key)}`;
    return guard.text === undefined
      ? ` AND NOT EXISTS (${other})`
      : ` AND EXISTS (${other} AND guard.value = ${value(wrap(guard.text))})`;
  };
  let sql: string;
  if (old === undefined) {
    if (next === undefined) throw new Error(`compare-and-set of ${key} from absent to absent`);
    const row = `SELECT CAST(${value(key)} AS TEXT), CAST(${value(wrap(next))} AS TEXT)`;
    sql = `INSERT INTO ${table} (key, value) ${row} WHERE 1 = 1${held()} ON CONFLICT (key) DO NOTHING RETURNING key`;
  } else if (next === undefined) {
    sql = `DELETE FROM ${table} WHERE key = ${value(key)} AND value = ${value(wrap(old))}${held()} RETURNING key`;
  } else {
    const set = `UPDATE ${table} SET value = ${value(wrap(next))}`;
    sql = `${set} WHERE key = ${value(key)} AND value = ${value(wrap(old))}${held()} RETURNING key`;
  }
  return { sql, values };
}
