import { serializeDictionary, Token } from "structured-headers";
import type { Found } from "../../../store/insight/insight.js";
import type { RowsPage } from "../../../store/ports/description.js";
import { untrustedContent } from "../../download/send-content.js";
import type { Answer } from "../../message/exchange.js";
import type { HeaderValues } from "../../message/http-error.js";

/** Returns a page as CSV. What a page in JSON says of its rows is in the field `Rows`, a Dictionary of RFC 9651. */
export function rowsAsCsv({ csv, ...page }: Found<RowsPage>, headers: HeaderValues): Answer {
  const { artifact, first, last, total, omitted_columns, cut, partial } = page;
  const facts = {
    version: artifact.version,
    first,
    last,
    total,
    more: page.more,
    "omitted-columns": omitted_columns,
    cut,
    partial: partial && new Token(partial.reason),
  };
  const known = Object.entries(facts).filter(
    (fact): fact is [string, number | boolean | Token] => fact[1] !== undefined,
  );
  return {
    status: 200,
    headers: {
      ...untrustedContent,
      "cache-control": "no-store",
      "content-type": "text/csv; charset=utf-8; header=present",
      rows: serializeDictionary(Object.fromEntries(known)),
      ...headers,
    },
    text: csv,
  };
}
