import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { connect } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

it("a client that sets a level is told what its calls came to, and nothing before", async () => {
  const { client, call } = await connect(createMemoryEngines());
  const heard: unknown[] = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params));
  const [good, bad] = [{ name: "list_buckets" }, { name: "get_artifact" }];
  const callBoth = async (): Promise<void> => {
    await call(good.name);
    await call(bad.name, { bucket: "b", key: "none" });
  };
  const said = (level: string, tool: string) => ({
    ...{ level, logger: "tools" },
    data: { tool, ms: expect.any(Number), isError: level === "warning" },
  });
  await callBoth();
  expect(heard).toEqual([]);
  await client.setLoggingLevel("warning");
  await callBoth();
  expect(heard).toEqual([said("warning", bad.name)]);
  await client.setLoggingLevel("debug");
  await callBoth();
  expect(heard.slice(1)).toEqual([said("debug", good.name), said("warning", bad.name)]);
  await client.setLoggingLevel("error");
  await callBoth();
  expect(heard).toHaveLength(3);
});
