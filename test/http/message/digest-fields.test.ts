import { describe, expect, it } from "vitest";
import { serveHttp } from "../../support/http-client.js";

const path = "/v1/content/b/k";
const sha512 = `sha-512=:${Buffer.alloc(64).toString("base64")}:`;

describe.each(["content-digest", "repr-digest"])("a malformed %s", (name) => {
  it.each([
    ["sha-256=abc", "sha-256"],
    ['sha-256="abc"', "sha-256"],
    ["sha-256", "sha-256"],
    ["sha-256=:abc", "sha-256"],
    ["sha-512=abc", "sha-512"],
    [`${sha512}, sha-256=abc`, "sha-256"],
  ])("%s is answered with the right form", async (value, field) => {
    const { ask } = await serveHttp();
    const { status, json } = await ask("PUT", path, { body: "x", headers: { [name]: value } });
    expect({ status, code: json["code"] }).toEqual({ status: 400, code: "invalid_argument" });
    expect(json["detail"]).toMatch(/^(?:Content|Repr)-Digest is malformed: /);
    expect(json["detail"]).toContain(`send it in the form ${field}=:BASE64:, with colons around the base64`);
    expect((await ask("GET", path)).status).toBe(404);
  });
});

it.each([
  ["content-digest", "md5=:AA==:", "Content-Digest is checked only for sha-256 and sha-512"],
  ["content-digest", "md5=abc", "Content-Digest is checked only for sha-256 and sha-512"],
  ["repr-digest", sha512, "Repr-Digest is checked only for sha-256"],
  ["content-digest", "sha-256=:AAAA:", "Content-Digest has 3 bytes for sha-256, but such a digest has 32"],
])("%s: %s is refused with the reason", async (name, value, reason) => {
  const { ask } = await serveHttp();
  const { status, json } = await ask("PUT", path, { body: "x", headers: { [name]: value } });
  expect(status).toBe(400);
  expect(json["detail"]).toContain(reason);
});
