import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { CallFlow } from "../../../src/mcp/flow/call-flow.js";
import { CallTurns } from "../../../src/mcp/flow/call-turns.js";

const limits = { maxConcurrentCalls: 4, maxWaitingCalls: 100, maxUnreadBytes: 1_000, firstAnswerBytes: 100 };

/** Clients with numbered requests. `started` lists them as `client:request`. */
function clients(count: number, { maxHeldBytes = 10_000 } = {}) {
  const started: string[] = [];
  const unread = Array.from({ length: count }, () => 0);
  const turns = new CallTurns({ ...limits, maxHeldBytes }, () => unread.reduce((sum, bytes) => sum + bytes, 0));
  const flows = unread.map((_, client) => {
    const flow = new CallFlow(limits, {
      unreadBytes: () => unread[client] ?? 0,
      deliver: (message) => void started.push(`${client}:${"id" in message ? message.id : ""}`),
      refuse: () => expect.unreachable(),
      onChange: () => turns.advance(),
      onError: (error) => expect.unreachable(String(error)),
    });
    turns.add(flow);
    return flow;
  });
  return {
    started,
    unread,
    turns,
    ask(client: number, ...ids: number[]) {
      const request = (id: number): JSONRPCMessage => ({ jsonrpc: "2.0", id, method: "x" });
      for (const id of ids) flows[client]?.take(request(id), 10);
    },
    answer(client: number, id: number) {
      flows[client]?.settle(id);
      turns.advance();
    },
    leave(client: number) {
      const flow = flows[client];
      if (flow === undefined) return;
      flow.clear();
      turns.remove(flow);
    },
  };
}

/** Waits for more rounds than any of these tests needs. */
async function rounds(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("the calls of many clients", () => {
  it("start in round-robin order, up to a limit for all clients", async () => {
    const { ask, answer, started } = clients(3);
    ask(0, 1, 2, 3, 4, 5, 6);
    ask(1, 1, 2);
    ask(2, 1);
    await rounds();
    expect(started).toEqual(["0:1", "1:1", "2:1", "0:2"]);
    answer(0, 1);
    answer(0, 2);
    await rounds();
    expect(started.slice(4)).toEqual(["1:2", "0:3"]);
  });

  it("do not start before the event loop has run", async () => {
    const { ask, started } = clients(1);
    ask(0, 1);
    expect(started).toEqual([]);
    await rounds();
    expect(started).toEqual(["0:1"]);
  });

  it("wait while too many bytes are unread, except one of a client that has read everything", async () => {
    const { ask, answer, started, unread, turns } = clients(2, { maxHeldBytes: 500 });
    unread[0] = 900;
    ask(0, 1);
    ask(1, 1, 2);
    await rounds();
    expect(started).toEqual(["1:1"]);
    expect(turns.isHeldUp).toBe(true);
    answer(1, 1);
    await rounds();
    expect(started).toEqual(["1:1", "1:2"]);
    unread[0] = 0;
    turns.advance();
    await rounds();
    expect(started).toEqual(["1:1", "1:2", "0:1"]);
    expect(turns.isHeldUp).toBe(false);
  });

  it("free their places when their client leaves", async () => {
    const { ask, leave, started } = clients(2);
    ask(0, 1, 2, 3, 4, 5);
    await rounds();
    ask(1, 1);
    await rounds();
    expect(started).toEqual(["0:1", "0:2", "0:3", "0:4"]);
    leave(0);
    await rounds();
    expect(started.slice(4)).toEqual(["1:1"]);
  });
});
