/** Whether a statement changes the disk. */
export const isChanging = (sql: string): boolean =>
  /^\s*(?:BEGIN|COMMIT|CREATE|INSERT|UPDATE|DELETE|PRAGMA (?:journal_mode|auto_vacuum|incremental_vacuum|wal_checkpoint))\b/i.test(
    sql,
  );
