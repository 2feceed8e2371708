// The pipe and the disk alone. For each line it writes the bytes of a chunk and then 4 KB for a row, durably, and answers.
// It does not parse the line. No server that writes a chunk and a row for each call can be faster.
// Usage: node disk.mjs <folder> <bytes of a chunk>
import { randomBytes } from "node:crypto";
import { constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";

const [folder = "", bytes = ""] = process.argv.slice(2);
const newline = 0x0a;
const answer = `${JSON.stringify({ jsonrpc: "2.0", id: 0, result: {} })}\n`;
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC;
const segment = { file: openSync(join(folder, "segment"), flags), block: randomBytes(Number(bytes)), at: 0 };
/** Like the log of a database, it is overwritten again and again: its file does not grow. */
const rows = { file: openSync(join(folder, "rows"), flags), block: randomBytes(4 * 1024), at: 0 };
const rowsBytes = 64 * rows.block.length;
writeSync(rows.file, randomBytes(rowsBytes));

process.stdin.on("data", (input) => {
  for (let at = input.indexOf(newline); at !== -1; at = input.indexOf(newline, at + 1)) {
    segment.at += writeSync(segment.file, segment.block, 0, segment.block.length, segment.at);
    rows.at = (rows.at + writeSync(rows.file, rows.block, 0, rows.block.length, rows.at)) % rowsBytes;
    process.stdout.write(answer);
  }
});
process.stdin.on("end", () => process.exit());
