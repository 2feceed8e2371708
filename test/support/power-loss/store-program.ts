import { createInterface } from "node:readline";
import { openDataDirectory } from "../../../src/engines/data-directory.js";
import { createStore } from "../../../src/store/store.js";
import { silentLog } from "../silent-log.js";

/*
 * A process on a data directory that does what no tool does as it is done here: copies, moves, updates, and appends that
 * already fold a few pieces into one. Each line of JSON on stdin is a call, and each line on stdout is an answer.
 */
const [root = "", keepVersions] = process.argv.slice(2);
const directory = await openDataDirectory(root, { mustExist: true }, silentLog);
const pieceLimits = {
  maxRowPieceBytes: 32 * 1024,
  maxRowChunkBytes: 32 * 1024,
  maxRowBytes: 64 * 1024,
  maxPieces: 4,
  maxPublishedPieces: 4,
};
const { artifacts, uploads } = createStore({
  ...directory,
  log: silentLog,
  keepVersions: Number(keepVersions),
  pieceLimits,
});

// biome-ignore lint/suspicious/noExplicitAny: the test knows what it sends
const calls: Readonly<Record<string, (args: any) => Promise<object>>> = {
  copy: ({ bucket, key, from }) => uploads.create({ bucket, key, from }),
  move: (wanted) => artifacts.copy({ ...wanted, move: true }),
  append: ({ session_id, offset, data }) => uploads.append(session_id, offset, Buffer.from(data, "base64")),
  update: ({ bucket, key, metadata }) => artifacts.update({ bucket, key, metadata }),
};

for await (const line of createInterface(process.stdin)) {
  const { name, args } = JSON.parse(line);
  const answer = await calls[name]?.(args).catch((error) => ({ error: { code: error.code, message: String(error) } }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
