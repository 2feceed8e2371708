import { expect, it } from "vitest";
import { temporaryDirectory } from "../../support/directories.js";
import { bytesOf, chanceOf } from "./chance.js";
import { Client } from "./client.js";
import { expectIdle, type Running, Seat } from "./servers.js";
import { asked, bucket, jsonOf } from "./upload-protocols.js";
import { pipelineOf, Wire, type WireRequest } from "./wire.js";

const contentPath = `/v1/content/${bucket}/large`;
/** Additional memory that the silent clients may use together, in MiB. */
const silentMegabytes = 192;

/** Sends bytes, and then neither reads an answer nor sends more. */
async function silent(server: Running, sent: Buffer): Promise<Wire> {
  const wire = new Wire(server.port);
  await wire.connected();
  wire.socket.pause();
  wire.socket.write(sent);
  return wire;
}

/** Returns a request with only the beginning of its body. */
function begun(request: WireRequest, body: Buffer): Buffer {
  const head = pipelineOf([request]).toString("latin1");
  return Buffer.concat([Buffer.from(head.replace("content-length: 0", "content-length: 60000000"), "latin1"), body]);
}

it("clients that read and send nothing use little of a server, and nothing after they disconnect", async () => {
  const seat = new Seat(await temporaryDirectory());
  const client = new Client("reader", chanceOf(1), [seat]);
  const server = await seat.running;
  const content = bytesOf("large", 8 * 1024 * 1024);
  const saved = await client.ask(server, asked("PUT", contentPath, content));
  expect(saved?.status).toBe(201);
  const { pathname, search } = new URL(String(saved && jsonOf(saved)["url"]));
  const signed: WireRequest = { method: "GET", path: pathname + search, headers: {}, body: Buffer.alloc(0) };
  const read = async (): Promise<void> => {
    const answer = await client.ask(server, signed);
    expect(answer?.status).toBe(200);
    expect(answer?.body.equals(content)).toBe(true);
  };
  for (let n = 0; n < 5; n += 1) await read(); // the server's memory grows to what one client needs
  const before = await server.holds();

  const half = begun(asked("PUT", `/v1/content/${bucket}/never`), bytesOf("half", 100_000));
  const requests = [
    ...Array.from({ length: 4 }, () => pipelineOf(Array.from({ length: 250 }, () => signed))),
    ...Array.from({ length: 200 }, () => pipelineOf([signed])),
    ...Array.from({ length: 8 }, () => half),
    ...Array.from({ length: 300 }, () => Buffer.from("GET /healthz HTT")),
    ...Array.from({ length: 200 }, () => Buffer.alloc(0)),
  ];
  const wires = await Promise.all(requests.map((sent) => silent(server, sent)));
  for (let n = 0; n < 5; n += 1) await read(); // meanwhile the requests of the silent clients have begun
  const during = await server.holds();
  expect(during.megabytes).toBeLessThan(before.megabytes + silentMegabytes);
  expect(during.descriptors).toBeLessThan(before.descriptors + 1.5 * requests.length);

  for (const [at, wire] of wires.entries()) {
    if (at % 2 === 0) wire.destroy();
    else wire.socket.resetAndDestroy();
  }
  await expectIdle(server);
  await read();
  await server.stop();
});
