import KeyvSqlite from "@keyv/sqlite";
import { Keyv } from "keyv";
import { withCaller } from "./steps.js";

/** Records which code opened the database, for the statements that opening it runs. */
export const MortalKeyvSqlite = new Proxy(KeyvSqlite, {
  construct: (target, values, newTarget) => withCaller(() => Reflect.construct(target, values, newTarget)),
});

export class MortalKeyv extends Keyv {
  override set(...values: Parameters<Keyv["set"]>) {
    return withCaller(() => super.set(...values));
  }
}
