import { sha256Of } from "../../support/mcp-client.js";
import { chunk, here, lone, type Row, refusedWith, save } from "./refused-with.js";

const badKeys: [string, RegExp][] = [
  ["../x", /segment 1 is "\.\.".*"x" would do/],
  ["/x", /segment 1 is empty.*"x" would do/],
  ["x/", /segment 2 is empty.*"x" would do/],
  ["a//b", /segment 2 is empty.*"a\/b" would do/],
  ["", /it is empty/],
  ["a/./b", /segment 2 is "\."/],
  ["a/../b", /segment 2 is "\.\."/],
  ["..", /segment 1 is "\.\."/],
  [".", /segment 1 is "\."/],
  ["x".repeat(1_025), /1025 bytes/],
  [" a", /white space/],
  ["a\0b", /U\+0000.*"a-b" would do/],
  ["a\\b", /backslash.*"a\/b" would do/],
  ["a\u202eb", /bidirectional.*"ab" would do/],
  ["a\ufffeb", /non-character U\+FFFE/],
  ["a\n", /U\+000A.*"a" would do/],
];
const badBuckets = ["", "x".repeat(64), "a b", "a/b", ".a", "a..b", "..", "a:b", "é", "a\0", "B\n"];
const parentSegment = /segment 1 is "\.\."/;

refusedWith("invalid_argument", [
  ...badKeys.map(
    ([key, rule]): Row => [`key ${JSON.stringify(key.slice(0, 9))}`, "save_artifact", save({ key }), rule, "key"],
  ),
  ...["create_upload_session", "get_artifact", "read_artifact", "delete_artifact"].map(
    (tool): Row => ["a key with ..", tool, { bucket: "b", key: "../x" }, parentSegment, "key"],
  ),
  ["a key with ..", "list_upload_sessions", { bucket: "b", key: "../x" }, parentSegment, "key"],
  ...badBuckets.map(
    (bucket): Row => [
      `bucket ${JSON.stringify(bucket.slice(0, 9))}`,
      "save_artifact",
      save({ bucket }),
      /bucket ".*" is not valid/,
      "bucket",
    ],
  ),
  ["a bad bucket", "list_artifacts", { bucket: "a/b" }, /"a-b" would do/, "bucket"],
  ["a bad bucket", "list_upload_sessions", { bucket: "a/b" }, /"a-b" would do/, "bucket"],
  ...["get_artifact", "read_artifact", "update_artifact", "copy_artifact", "delete_artifact"].map(
    (tool): Row => [
      "a folder instead of a key",
      tool,
      { bucket: "b", key: "dir/", ...(tool === "copy_artifact" ? { to_key: "k2" } : {}) },
      /"dir\/" ends with a slash.* list_artifacts \{"bucket":"b","prefix":"dir\/"\}/,
      "key",
    ],
  ),
  [
    "a folder as a target",
    "copy_artifact",
    { ...here, to_key: "dir/" },
    /"dir\/" ends with a slash.* like "dir\/k"/,
    "to_key",
  ],
  ["a key without its bucket", "list_upload_sessions", { key: "k" }, /bucket/, "key"],
]);

refusedWith("invalid_argument", [
  [
    "an unknown argument",
    "save_artifact",
    save({ mimetype: "text/csv" }),
    /unknown argument "mimetype": did you mean mime_type\? Nothing/,
    "mimetype",
  ],
  ["an unknown argument", "list_buckets", { prefix: "b" }, /"prefix".*takes cursor, limit/, "prefix"],
  ["no arguments at all", "get_artifact", {}, /bucket is required.*key is required/, "bucket"],
  ["no content", "save_artifact", here, /content is required/, "content"],
  ["no offset", "upload_chunk", ({ open }) => ({ session_id: open, data: "x" }), /offset is required/, "offset"],
  ["a number as content", "save_artifact", save({ content: 5 }), /content.*string/, "content"],
  ["null as a key", "save_artifact", save({ key: null }), /key is required/, "key"],
  ["text as an offset", "upload_chunk", chunk({ offset: "four" }), /offset.*(int|number)/, "offset"],
  ["an unknown encoding", "save_artifact", save({ encoding: "hex" }), /encoding.*utf8.*base64/, "encoding"],
  ["metadata that is not an object", "save_artifact", save({ metadata: "x" }), /metadata/, "metadata"],
  ["metadata that is a list", "save_artifact", save({ metadata: ["x"] }), /metadata/, "metadata"],
  ["metadata with a list in it", "save_artifact", save({ metadata: { a: [1] } }), /metadata\.a.*string/, "metadata"],
  ["metadata over 2 KB", "save_artifact", save({ metadata: { a: "é".repeat(1_024) } }), /2048.*shorten/, "metadata"],
  ["metadata over 2 KB", "create_upload_session", { ...here, metadata: { a: "x".repeat(2_048) } }, /2048/, "metadata"],
  ...["csv", "text/", "/csv", "text/c v", "text/csv\n", " ", `${"x".repeat(250)}/plain`, "text/é"].map(
    (mime_type): Row => [
      `type ${JSON.stringify(mime_type.slice(0, 9))}`,
      "save_artifact",
      save({ mime_type }),
      /type\/subtype/,
      "mime_type",
    ],
  ),
  ["a bad type", "create_upload_session", { ...here, mime_type: "csv" }, /type\/subtype/, "mime_type"],
]);

const notWhole = [-1, 1.5, 2 ** 53, Number.MAX_VALUE];
refusedWith("invalid_argument", [
  ...notWhole.map((offset): Row => [`offset ${offset}`, "upload_chunk", chunk({ offset }), /offset/, "offset"]),
  ...notWhole.map((offset): Row => [`offset ${offset}`, "read_artifact", { ...here, offset }, /offset/, "offset"]),
  ...notWhole.map((size): Row => [`size ${size}`, "create_upload_session", { ...here, size }, /size/, "size"]),
  ...notWhole.map(
    (if_version): Row => [
      `if_version ${if_version}`,
      "save_artifact",
      save({ if_version }),
      /if_version/,
      "if_version",
    ],
  ),
  ...[0, -1, 1.5].map(
    (version): Row => [`version ${version}`, "get_artifact", { ...here, version }, /version/, "version"],
  ),
  ...[0, -1, 1.5, 1_001].map(
    (limit): Row => [`limit ${limit}`, "list_artifacts", { bucket: "b", limit }, /limit/, "limit"],
  ),
  ...[0, -1, 1024 * 1024 + 1].map(
    (length): Row => [`length ${length}`, "read_artifact", { ...here, length }, /length/, "length"],
  ),
  [
    "an offset past the end",
    "read_artifact",
    { ...here, offset: 4 },
    /past the end.*3 bytes/,
    { argument: "offset", bytes: 3 },
  ],
  [
    "a prefix that no key can have",
    "list_artifacts",
    { bucket: "b", prefix: "a//b" },
    /segment 2 is empty.*"a\/b" would do/,
    "prefix",
  ],
  ["a prefix that is too long", "list_artifacts", { bucket: "b", prefix: "x".repeat(1_025) }, /1024/, "prefix"],
  ...["//", "\\", "\n", "\u212b"].map(
    (delimiter): Row => [
      `delimiter "${delimiter}"`,
      "list_artifacts",
      { bucket: "b", delimiter },
      /delimiter ".*" is not valid/,
      "delimiter",
    ],
  ),
]);

const invalidBase64 = {
  "of the URL alphabet": "-_-_",
  "with too much padding": "QUJD====",
  "of padding only": "====",
  "with padding in the middle": "QQ==QUJD",
  "with one = in the middle": "QUI=QUJD",
  "of two joined texts": "QUI=QUI=",
  "that ends after a non-ASCII character": "ŁA==",
  "with a non-ASCII character whose low byte is a letter": "ŁUJDQUJD",
  "with NUL": "QUJD\0\0\0\0",
  "with bits after its end": "QR==",
  "that is a data URL": "data:;base64,QQ==",
  "that is text": "hello, world",
};
refusedWith("invalid_argument", [
  ...Object.entries(invalidBase64).flatMap(([what, text]): Row[] => [
    [
      `base64 ${what}`,
      "save_artifact",
      save({ encoding: "base64", content: text }),
      /standard alphabet.*utf8/,
      "content",
    ],
    [`base64 ${what}`, "upload_chunk", chunk({ encoding: "base64", data: text }), /standard alphabet.*utf8/, "data"],
  ]),
  ["a lone surrogate in content", "save_artifact", save({ content: lone }), /surrogate.*base64/, "content"],
  ["a lone surrogate in data", "upload_chunk", chunk({ data: lone }), /surrogate.*base64/, "data"],
  ["half a pair at the end", "upload_chunk", chunk({ data: "😀".slice(0, 1) }), /surrogate/, "data"],
  ["a lone surrogate in metadata", "save_artifact", save({ metadata: { a: lone } }), /surrogate/, "metadata"],
  [
    "a lone surrogate in a metadata name",
    "create_upload_session",
    { ...here, metadata: { [lone]: "a" } },
    /surrogate/,
    "metadata",
  ],
  ...["abc", `${sha256Of("x")}0`, `${sha256Of("x").slice(1)}g`].flatMap((sha256): Row[] => [
    [`sha256 ${sha256.slice(-6)}`, "upload_chunk", chunk({ sha256 }), /64 hex digits/, "sha256"],
    [`sha256 ${sha256.slice(-6)}`, "create_upload_session", { ...here, sha256 }, /64 hex digits/, "sha256"],
    [
      `sha256 ${sha256.slice(-6)}`,
      "complete_upload_session",
      ({ open }) => ({ session_id: open, sha256 }),
      /64 hex digits/,
      "sha256",
    ],
  ]),
  ...[" ", "x", "!!!", "AAAA"].map(
    (cursor): Row => [`cursor "${cursor}"`, "list_buckets", { cursor }, /next_cursor.*leave it out/, "cursor"],
  ),
  ...(["list_artifacts", "list_upload_sessions"] as const).map((tool): Row => {
    const args = { list_artifacts: { bucket: "b" }, list_upload_sessions: {} }[tool];
    return [
      "the cursor of another listing",
      tool,
      ({ cursor }) => ({ ...args, cursor }),
      /next_cursor.*leave it out/,
      "cursor",
    ];
  }),
  [
    "a changed cursor",
    "list_buckets",
    ({ cursor }) => ({ cursor: cursor.replace(/.$/, (end) => (end === "A" ? "B" : "A")) }),
    /next_cursor/,
  ],
]);
