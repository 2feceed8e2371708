import { describe, expect, it } from "vitest";
import { serveHttp } from "../../support/http-client.js";
import { uploadUrl } from "../../support/signed-urls.js";

const forbidden = { status: 403, json: { code: "forbidden" } };

describe("a page of another origin", () => {
  it.each(["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])(
    "from %s is refused",
    async (origin) => {
      const client = await serveHttp();
      const headers = { origin, "access-control-request-method": "PUT" };
      const direct = await client.ask("GET", "/healthz", { headers: { origin } });
      expect(direct).toMatchObject(forbidden);
      const allowed = origin === "null" ? "ORIGIN" : origin;
      expect(direct.json["detail"]).toContain(`start the server with --http-origin ${allowed} to allow them.`);
      const refused = await client.askAsStranger("OPTIONS", await uploadUrl(client), { headers });
      expect(refused).toMatchObject(forbidden);
      expect(refused.headers).not.toHaveProperty("access-control-allow-origin");
    },
  );

  it("that is allowed may send requests and read the header fields that it needs", async () => {
    const origin = "https://app.example.com";
    const client = await serveHttp(undefined, { origins: [origin] });
    const url = await uploadUrl(client);
    const asks = {
      origin,
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "tus-resumable",
    };
    expect(await client.askAsStranger("OPTIONS", url, { headers: asks })).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": expect.stringContaining("PATCH"),
        "access-control-allow-headers": "tus-resumable",
        vary: "Origin",
      },
    });
    const answer = await client.askAsStranger("PUT", url, { body: "hello", headers: { origin } });
    expect(answer.headers).toMatchObject({ "access-control-allow-origin": origin });
    expect(answer.headers["access-control-expose-headers"]).toContain("Upload-Offset");
    expect(await client.ask("GET", "/healthz", { headers: { origin: "https://app.example" } })).toMatchObject(
      forbidden,
    );
  });

  it("that is the server's own is allowed", async () => {
    const client = await serveHttp();
    expect((await client.ask("GET", "/healthz", { headers: { origin: client.origin } })).status).toBe(200);
  });
});

describe("a foreign host name (DNS rebinding)", () => {
  it.each(["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"])(
    "%s is refused",
    async (host) => {
      const client = await serveHttp();
      const refused = await client.ask("GET", "/healthz", { headers: { host } });
      expect(refused).toMatchObject(forbidden);
      expect(refused.json["detail"]).toContain(`start the server with --http-url http://${host} to allow it.`);
    },
  );

  it("is not a name of the server, its address, or that of --http-url", async () => {
    const client = await serveHttp(undefined, { publicUrl: "https://files.example.com/store" });
    for (const host of ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:80", "files.example.com"]) {
      expect((await client.ask("GET", "/healthz", { headers: { host } })).status).toBe(200);
    }
    expect(await uploadUrl(client)).toContain("https://files.example.com/store/v1/artifacts/session:");
  });
});
