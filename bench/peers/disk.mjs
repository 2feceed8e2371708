// The pipe and the disk alone: a line is answered once as many bytes as its chunk has, and behind them 4 KB for a row,
// are on the disk, one write each. Nobody looks into the line. For chunks that are one write to any server, it is the limit.
// Usage: node disk.mjs <folder> <bytes of a chunk>
import { randomBytes } from "node:crypto";
import { constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";

const [folder = "", bytes = ""] = process.argv.slice(2);
const newline = 0x0a;
const answer = `${JSON.stringify({ jsonrpc: "2.0", id: 0, result: {} })}\n`;
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC;
const segment = { file: openSync(join(folder, "segment"), flags), block: randomBytes(Number(bytes)), at: 0 };
/** As a log of rows that is written over and over: its file does not grow. */
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
