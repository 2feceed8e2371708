import KeyvSqlite, { type KeyvSqliteOptions } from "@keyv/sqlite";
import { Keyv } from "keyv";
import { isChanging } from "./sql.js";
import { askedFromHere, step } from "./steps.js";

/** Opening makes the file and the table; then every statement that changes something is a step. */
export class MortalKeyvSqlite extends KeyvSqlite {
  constructor(options: KeyvSqliteOptions) {
    step();
    super(options);
    const { query } = this;
    this.query = (sql: string, ...values: unknown[]) => {
      if (isChanging(sql)) step();
      return query(sql, ...values);
    };
  }
}

export class MortalKeyv extends Keyv {
  override set(...values: Parameters<Keyv["set"]>) {
    return askedFromHere(() => super.set(...values));
  }

  override delete(key: string): Promise<boolean>;
  override delete(key: string[]): Promise<boolean[]>;
  override delete(key: string | string[]): Promise<boolean | boolean[]> {
    return askedFromHere(() => super.delete(key as string));
  }
}
