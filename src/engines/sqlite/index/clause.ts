import type { SqliteValue } from "../database/connection.js";

/** A condition in SQL, and the values of its parameters in their order. */
export interface Clause {
  readonly sql: string;
  readonly values: readonly SqliteValue[];
}

export const clause = (sql: string, ...values: readonly SqliteValue[]): Clause => ({ sql, values });

/** All of the conditions. */
export function allOf(clauses: readonly Clause[]): Clause {
  const sql = clauses.length === 0 ? "TRUE" : clauses.map((each) => each.sql).join(" AND ");
  return { sql, values: clauses.flatMap(({ values }) => values) };
}
