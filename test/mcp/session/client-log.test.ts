import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { connect } from "../../support/mcp-client.js";
import { createMemoryEngines } from "../../support/stores.js";

it("a client that sets a log level is told the results of its calls from then on", async () => {
  const { client, call } = await connect(createMemoryEngines());
  const messages: unknown[] = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void messages.push(params));
  const [good, bad] = [{ name: "list_buckets" }, { name: "get_artifact" }];
  const callBoth = async (): Promise<void> => {
    await call(good.name);
    await call(bad.name, { bucket: "b", key: "none" });
  };
  const message = (level: string, tool: string) => ({
    level,
    logger: "tools",
    data: { tool, ms: expect.any(Number), isError: level === "warning" },
  });
  await callBoth();
  expect(messages).toEqual([]);
  await client.setLoggingLevel("warning");
  await callBoth();
  expect(messages).toEqual([message("warning", bad.name)]);
  await client.setLoggingLevel("debug");
  await callBoth();
  expect(messages.slice(1)).toEqual([message("debug", good.name), message("warning", bad.name)]);
  await client.setLoggingLevel("error");
  await callBoth();
  expect(messages).toHaveLength(3);
});
