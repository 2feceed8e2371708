import { expect, it } from "vitest";
import { prefix, secret } from "../../support/neighbours.js";
import { comparable, operationsOf, plainWorld, prefixedWorld, type World } from "../../support/prefix-world.js";
import { callRoutes } from "./calls-of-routes.js";
import { callTools } from "./calls-of-tools.js";

it("every tool and every route answers under a bucket prefix, among buckets of others, as in a store of its own", async () => {
  const [plain, prefixed] = [await plainWorld(), await prefixedWorld()];
  for (const world of [plain, prefixed]) {
    await callTools(world);
    await callRoutes(world);
  }
  await namesNoBucket(prefixed);
  const { tools } = await prefixed.mcp.client.listTools();
  for (const { name } of tools) expect(prefixed.called).toContain(name);
  for (const operation of await operationsOf(prefixed)) expect(prefixed.called).toContain(operation);
  expect(comparable(prefixed)).toEqual(comparable(plain));
  expect(comparable(prefixed).join("\n")).not.toContain(secret);
});

/** Metrics are for the operator. Some are about the whole store, so they differ between the worlds. */
async function namesNoBucket({ http, called }: World): Promise<void> {
  called.add("GET /metrics");
  const { status, text } = await http.ask("GET", "/metrics");
  expect(status).toBe(200);
  for (const name of [secret, prefix, "models"]) expect(text).not.toContain(name);
}
