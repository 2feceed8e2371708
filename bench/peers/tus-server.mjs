// @tus/server with its file store, as in its documentation.
// Usage: node tus-server.mjs <folder>
// Prints its URL when it listens.
import { createServer } from "node:http";
import { importPeer } from "../lib/peers.mjs";

const [directory = ""] = process.argv.slice(2);
const { Server } = await importPeer("@tus/server");
const { FileStore } = await importPeer("@tus/file-store");
const tus = new Server({ path: "/files", datastore: new FileStore({ directory }) });
const server = createServer((request, response) => void tus.handle(request, response));
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.stdout.write(`http://127.0.0.1:${port}/files\n`);
});
process.stdin.resume().on("end", () => process.exit());
