import * as fc from "fast-check";

/** The number of cases: `some` in the normal suite, `all` in the long run. */
export function cases(some: number, all: number): number {
  return process.env["ARTIFACTS_LONG"] === "1" ? all : some;
}

/** Names of members through which an attacker could reach other objects. */
const reachingNames = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    ...[
      "",
      " ",
      "/",
      ".",
      "..",
      "../../etc/passwd",
      "a/../../b",
      "/etc/passwd",
      "\0",
      "a\0b",
      "\ud800",
      "\u202e\u200b",
    ],
    ...["artifact://", "artifact:b:k", "session:x", "%2e%2e%2f", "$HOME", "$(id)", "'; DROP TABLE keyv; --", "NaN"],
    ...[
      "CON",
      "C:\\x",
      "\\\\?\\C:\\x",
      "file:///etc/passwd",
      "~",
      "-",
      "--root",
      "\n",
      "\r\n",
      "\u2028",
      "é".repeat(300),
    ],
    ...reachingNames,
  ),
  fc.integer({ min: 1, max: 5_000 }).map((length) => "x".repeat(length)),
);

const hostileNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(-1, -0, 0, 1, 1.5, 1e21, 1e308, 2 ** 31, 2 ** 53, -(2 ** 53), Number.MAX_SAFE_INTEGER, 5e-324),
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at += 1) value = at % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Any JSON value, and often one that is known to break programs. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  hostileNumber,
  fc.constantFrom(null, true, false, [], {}),
  fc.integer({ min: 1, max: 3_000 }).map(nested),
  fc.array(fc.oneof(hostileText, hostileNumber), { maxLength: 5 }),
  fc.dictionary(fc.oneof(hostileText, fc.constantFrom(...reachingNames)), fc.jsonValue({ maxDepth: 3 }), {
    maxKeys: 5,
  }),
  fc.constant(JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')),
);
