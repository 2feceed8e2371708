/** Whether a statement changes something on the disk. */
export const isChanging = (sql: string): boolean =>
  /\b(INSERT INTO|UPDATE|DELETE FROM|PRAGMA journal_mode)\b/i.test(sql);
