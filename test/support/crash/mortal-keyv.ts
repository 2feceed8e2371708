import KeyvSqlite from "@keyv/sqlite";
import { Keyv } from "keyv";
import { askedFromHere } from "./steps.js";

/** What opening it runs knows who opened it. */
export const MortalKeyvSqlite = new Proxy(KeyvSqlite, {
  construct: (target, values, newTarget) => askedFromHere(() => Reflect.construct(target, values, newTarget)),
});

export class MortalKeyv extends Keyv {
  override set(...values: Parameters<Keyv["set"]>) {
    return askedFromHere(() => super.set(...values));
  }
}
