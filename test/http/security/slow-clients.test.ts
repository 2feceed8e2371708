import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { answerTo, type HttpClient, serveHttp } from "../../support/http-client.js";
import { uploadUrl } from "../../support/signed-urls.js";

describe("a slow client", () => {
  async function dial({ origin }: HttpClient): Promise<Socket> {
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return socket;
  }

  it("is disconnected after headMs without a complete head", async () => {
    const client = await serveHttp(undefined, { limits: { headMs: 100, lookMs: 50 } });
    const socket = await dial(client);
    let heard = "";
    socket.on("data", (data) => {
      heard += data;
    });
    socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    await once(socket, "close");
    expect(heard).toMatch(/^HTTP\/1.1 408 /);
  });

  it("is disconnected after idleMs without a byte of its body, and the received bytes are stored", async () => {
    const client = await serveHttp(undefined, { limits: { idleMs: 100 } });
    const url = await uploadUrl(client);
    const request = client.begin("PUT", url, { "content-length": "5" });
    request.write("hel");
    await expect(answerTo(request)).rejects.toThrow();
    expect((await client.ask("GET", url)).json).toMatchObject({ offset: 3 });
  });

  it("does not block others below maxConnections", async () => {
    const client = await serveHttp(undefined, { limits: { maxConnections: 3 } });
    const uploads: ClientRequest[] = [];
    for (const key of ["1", "2", "3"]) {
      const { id, url } = await client.store.uploads.create({ bucket: "b", key, size: 5 });
      const upload = client.begin("PUT", url, { "content-length": "5" });
      upload.write("hel");
      await expect.poll(() => client.store.uploads.get(id)).toMatchObject({ offset: 3 });
      uploads.push(upload);
    }
    await expect(client.askAsStranger("GET", "/healthz")).rejects.toThrow();
    uploads[0]?.destroy();
    await expect
      .poll(() =>
        client.askAsStranger("GET", "/healthz").then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });

  it("with an endless head is refused", async () => {
    const client = await serveHttp();
    const answer = await client.askAsStranger("GET", "/healthz", { headers: { "x-large": "x".repeat(20_000) } });
    expect(answer.status).toBe(431);
  });
});
