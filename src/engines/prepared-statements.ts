import sqlite3 from "sqlite3";

/**
 * Statements on a connection of their own, each compiled once: Keyv's adapter compiles one anew at each call, which
 * takes about as long as what is small does. One is to be run at a time.
 */
export class PreparedStatements {
  readonly #file: string;
  readonly #busyTimeoutMs: number;
  readonly #pragmas: readonly string[];
  #database: Promise<sqlite3.Database> | undefined;
  readonly #statements = new Map<string, Promise<sqlite3.Statement>>();

  /**
   * The connection is made with the first statement.
   *
   * @param file path of a database that is there by then
   * @param pragmas what the connection is told before anything else
   */
  constructor(file: string, busyTimeoutMs: number, pragmas: readonly string[]) {
    this.#file = file;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#pragmas = pragmas;
  }

  /**
   * Runs a statement to its end; the rows that it answers.
   *
   * One that fails is reset before this rejects: the driver leaves it as it stands, and SQLite commits nothing that
   * others on the connection write while one of them is under way (https://sqlite.org/lang_transaction.html).
   */
  async all<Row>(sql: string, values: readonly string[]): Promise<Row[]> {
    const statement = await this.#prepared(sql);
    return new Promise((resolve, reject) => {
      statement.all<Row>(values, (error, rows) => {
        if (error === null) resolve(rows);
        else statement.reset(() => reject(error));
      });
    });
  }

  async close(): Promise<void> {
    const database = await this.#database;
    if (database === undefined) return;
    const statements = await Promise.all(this.#statements.values());
    for (const statement of statements) statement.finalize();
    await ready((done) => database.close(done));
  }

  #prepared(sql: string): Promise<sqlite3.Statement> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#prepare(sql);
    this.#statements.set(sql, statement);
    statement.catch(() => this.#statements.delete(sql)); // the next call tries again
    return statement;
  }

  async #prepare(sql: string): Promise<sqlite3.Statement> {
    this.#database ??= this.#connect().catch((error) => {
      this.#database = undefined; // likewise
      throw error;
    });
    const database = await this.#database;
    return ready((done) => database.prepare(sql, done));
  }

  async #connect(): Promise<sqlite3.Database> {
    const database = await ready((done) => new sqlite3.Database(this.#file, sqlite3.OPEN_READWRITE, done));
    database.configure("busyTimeout", this.#busyTimeoutMs);
    for (const pragma of this.#pragmas) await ready((done) => database.exec(`PRAGMA ${pragma}`, done));
    return database;
  }
}

/** What `make` gives, once it has said that it is done. */
function ready<Made>(make: (done: (error: Error | null) => void) => Made): Promise<Made> {
  return new Promise((resolve, reject) => {
    const made: Made = make((error) => (error === null ? resolve(made) : reject(error)));
  });
}
