import type { Query } from "../database/connection.js";
import { feedFrom, feedIndex, pendingCount } from "./feed-index.js";
import { makeIndex } from "./make-index.js";

/**
 * - `feed`: adds some of the pending artifacts to the full-text tables, if many are pending or `all` is true
 * - `make`: makes the index again from the rows, and leaves all artifacts pending
 */
export type IndexWork = { readonly kind: "feed"; readonly all: boolean } | { readonly kind: "make" };

/** Whether there is work to do. It only reads, so that no other process waits for this look. */
export function isWorkDue(query: Query, work: IndexWork): boolean {
  return work.kind === "make" || pendingCount(query, feedFrom) >= (work.all ? 1 : feedFrom);
}

/** Does the work in the transaction of `query`. @returns how many artifacts were added to the full-text tables */
export function maintainIndex(query: Query, work: IndexWork): number {
  if (work.kind === "feed") return feedIndex(query);
  makeIndex(query);
  return 0;
}
