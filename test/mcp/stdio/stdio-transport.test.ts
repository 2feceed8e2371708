import { describe, expect, it } from "vitest";
import { openTransport, settled } from "../../support/stdio-streams.js";

const request = (id: string | number, more: object = {}) => ({ id, method: "tools/call", ...more });
const requests = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => request(from + n));
const cancel = (requestId: unknown, more: object = {}) => ({
  method: "notifications/cancelled",
  params: { requestId, ...more },
});
const numbers = (from: number, to: number) => requests(from, to).map(({ id }) => id);
const isSettled = (promise: Promise<unknown>) => Promise.race([promise.then(() => true), settled().then(() => false)]);

describe("a line", () => {
  it("that is a message reaches the server, in order", async () => {
    const { write, received, answers } = await openTransport();
    const lines = [request(1), { method: "notifications/initialized" }, { id: 5, result: {} }, request("a")];
    await write(...lines);
    expect(received).toEqual(lines.map((line) => ({ jsonrpc: "2.0", ...line })));
    expect(answers).toEqual([]);
  });

  it("that is not a message is answered and logged in short, and later lines are read", async () => {
    const { write, ids, answers, logged } = await openTransport();
    await write(`\u001b[31m${"é".repeat(300)}`, { id: 1, method: 5 }, { id: 2, result: 5 }, "", request(3));
    expect(answers).toMatchObject([
      { jsonrpc: "2.0", id: null, error: { code: -32700 } },
      { jsonrpc: "2.0", id: 1, error: { code: -32600 } },
    ]);
    expect(ids()).toEqual([3]);
    expect(logged.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("not JSON"),
      expect.stringContaining("method"),
      expect.stringContaining("result"),
    ]);
    for (const { start = "" } of logged) expect(start.length).toBeLessThanOrEqual(100);
    expect(logged[0]?.start).toContain("\u001b[31mé");
  });

  it("that is too long is answered with its id and skipped, and later lines are read", async () => {
    const { write, ids, answers, logged } = await openTransport({ maxMessageBytes: 100 });
    const long = "x".repeat(100);
    await write(
      { method: "x", params: { content: `"id":8${long}` }, id: 7 },
      { id: 9, result: { long } },
      { method: "x", params: { long } },
      request(2),
    );
    expect(answers).toMatchObject([
      { id: 7, error: { code: -32600, message: expect.stringMatching(/100 bytes.*smaller chunks/) } },
      { id: null, error: { code: -32600 } },
    ]);
    expect(ids()).toEqual([2]);
    expect(logged).toHaveLength(3);
  });

  it("without a newline at the end is read if it is complete, and not answered if it is not", async () => {
    const whole = await openTransport();
    whole.stdin.end(JSON.stringify({ jsonrpc: "2.0", ...request(1) }));
    expect(await whole.transport.gone).toBe("stdin ended");
    expect(whole.ids()).toEqual([1]);
    const half = await openTransport();
    half.stdin.end('{"jsonrpc":"2.0","id":1,');
    expect(await half.transport.gone).toBe("stdin ended");
    expect([half.ids(), half.answers]).toEqual([[], []]);
    expect(half.logged).toHaveLength(1);
    const wrong = await openTransport();
    wrong.stdin.end('{"jsonrpc":"2.0","id":1,"method":5}');
    expect(await wrong.transport.gone).toBe("stdin ended");
    expect(wrong.answers).toMatchObject([{ id: 1, error: { code: -32600 } }]);
  });

  it("for which the server throws is answered, and the next one is read", async () => {
    const { transport, write, answers, errors } = await openTransport({ maxConcurrentCalls: 1 });
    const seen: unknown[] = [];
    transport.onmessage = (message) => {
      seen.push(message);
      throw new Error("no");
    };
    await write(request(1), { method: "notifications/initialized" }, request(2));
    expect(seen).toHaveLength(3);
    expect(answers).toMatchObject([
      { id: 1, error: { code: -32603 } },
      { id: 2, error: { code: -32603 } },
    ]);
    expect(errors).toHaveLength(3);
  });
});

describe("requests", () => {
  it("run up to a limit, and the others wait in order", async () => {
    const { write, ids, answer, answers } = await openTransport({ maxConcurrentCalls: 3 });
    await write(...requests(1, 6));
    expect(ids()).toEqual([1, 2, 3]);
    await answer(2);
    expect(ids()).toEqual([1, 2, 3, 4]);
    await Promise.all([1, 3, 4, 5].map((id) => answer(id)));
    expect(ids()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(answers.map(({ id }) => id)).toEqual([2, 1, 3, 4, 5]);
  });

  it("run 16 at once by default", async () => {
    const { write, ids } = await openTransport();
    await write(...requests(1, 40));
    expect(ids()).toEqual(numbers(1, 16));
  });

  it("that are answered during their delivery do not fill the stack", async () => {
    const { transport, write, answers } = await openTransport({ maxConcurrentCalls: 1, maxWaitingCalls: 5_000 });
    const started: (string | number)[] = [];
    transport.onmessage = (message) => {
      if (!("id" in message) || message.id === undefined) return;
      started.push(message.id);
      if (message.id !== 1) void transport.send({ jsonrpc: "2.0", id: message.id, result: {} });
    };
    await write(...requests(1, 5_000));
    expect(started).toEqual([1]);
    await transport.send({ jsonrpc: "2.0", id: 1, result: {} });
    expect(answers.map(({ id }) => id)).toEqual(numbers(1, 5_000));
  });

  it("do not start while too many bytes are unread", async () => {
    const { write, ids, answer, stdout } = await openTransport({ maxConcurrentCalls: 2, maxUnreadBytes: 10_000 });
    stdout.stopReading();
    await write(...requests(1, 6));
    void answer(1, { text: "x".repeat(4_500) });
    expect(ids()).toEqual([1, 2, 3]);
    void answer(2, { text: "x".repeat(4_500) });
    expect(ids()).toEqual([1, 2, 3]);
    void answer(3, { text: "x".repeat(1_000) });
    expect(ids()).toEqual([1, 2, 3]);
    stdout.goOnReading();
    await settled();
    expect(ids()).toEqual([1, 2, 3, 4, 5]);
  });

  it("do not start while the answers to the running ones may exceed the limit", async () => {
    const { write, ids, answer, stdout } = await openTransport({ maxConcurrentCalls: 4, maxUnreadBytes: 10_000 });
    await write(...requests(1, 60));
    expect(ids()).toHaveLength(4);
    for (let id = 1; id <= 20; id += 1) await answer(id, { text: "x".repeat(6_000) });
    expect(ids()).toHaveLength(22);
    stdout.stopReading();
    void answer(21, { text: "x".repeat(6_000) });
    expect(ids()).toHaveLength(22);
    stdout.goOnReading();
    await settled();
    for (let id = 22; id <= 50; id += 1) await answer(id);
    expect(ids()).toHaveLength(54);
  });

  it("are overtaken by ping, notifications and responses", async () => {
    const { write, received } = await openTransport({ maxConcurrentCalls: 1 });
    const passing = [{ id: "p", method: "ping" }, { method: "notifications/x" }, { id: 5, result: {} }];
    await write(...requests(1, 3), ...passing);
    expect(received).toMatchObject([request(1), ...passing]);
  });

  it("are refused if too many wait, and accepted again later", async () => {
    const { write, ids, answer, answers } = await openTransport({ maxConcurrentCalls: 2, maxWaitingCalls: 3 });
    await write(...requests(1, 6));
    expect(answers).toMatchObject([
      { id: 6, error: { code: -32000, message: expect.stringMatching(/3 requests wait.*again/) } },
    ]);
    await answer(1);
    await write(request(6));
    for (const id of numbers(2, 5)) await answer(id);
    expect(ids()).toEqual(numbers(1, 6));
  });

  it("that are large and wait pause stdin until they have started", async () => {
    const { write, ids, answer, stdin } = await openTransport({ maxConcurrentCalls: 1, maxHeldBytes: 1_000 });
    const large = (id: number) => request(id, { params: { text: "x".repeat(600) } });
    await write(large(1), large(2));
    expect(stdin.isPaused()).toBe(false);
    await write(large(3));
    expect(stdin.isPaused()).toBe(true);
    stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/x" })}\n`);
    await settled();
    expect(ids()).toEqual([1]);
    await answer(1);
    await settled();
    expect(stdin.isPaused()).toBe(false);
    expect(ids()).toEqual([1, 2, undefined]);
  });

  it("are not read while too many bytes are unread", async () => {
    const { write, answer, stdin, stdout } = await openTransport({ maxHeldBytes: 1_000 });
    stdout.stopReading();
    await write(request(1), request(2));
    void answer(1, { text: "x".repeat(600) });
    expect(stdin.isPaused()).toBe(false);
    void answer(2, { text: "x".repeat(600) });
    expect(stdin.isPaused()).toBe(true);
    stdout.goOnReading();
    await settled();
    expect(stdin.isPaused()).toBe(false);
  });

  it("with the id of an unanswered request are refused, and the first one goes on", async () => {
    const { transport, write, ids, answer, answers } = await openTransport({ maxConcurrentCalls: 1 });
    await write(request(1), request(2), request(1), request(2), { id: 1, method: "ping" }, request("1"));
    expect(answers).toMatchObject([1, 2, 1].map((id) => ({ id, error: { code: -32600 } })));
    const drained = transport.drain();
    await answer(1);
    await answer(2);
    expect(await isSettled(drained)).toBe(false);
    await answer("1");
    await drained;
    expect(ids()).toEqual([1, 2, "1"]);
  });
});

describe("notifications/cancelled", () => {
  it("removes a waiting request: it gets no answer and never reaches the server", async () => {
    const { transport, write, received, errors, answer, answers } = await openTransport({ maxConcurrentCalls: 1 });
    await write(...requests(0, 3), cancel(2), cancel(0.5));
    await answer(0);
    await answer(1);
    await answer(3);
    await transport.drain();
    const heard = received.map((message) => ("id" in message ? message.id : "cancelled"));
    expect(heard).toEqual([0, 1, 3]);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(/requestId must be .*, not 0\.5/)]);
    expect(answers.map(({ id }) => id)).toEqual([0, 1, 3]);
  });

  it("lets the next request start in place of a running one", async () => {
    const { write, received } = await openTransport({ maxConcurrentCalls: 1 });
    await write(request(1), request(2), cancel(1, { reason: "enough" }));
    expect(received).toMatchObject([request(1), cancel(1), request(2)]);
  });

  it("with an unknown id has no effect, not on a later request with this id either", async () => {
    const { write, received } = await openTransport();
    await write(cancel(1), request(1));
    expect(received).toMatchObject([request(1)]);
  });

  it("with the id 0, which the SDK ignores, does not cancel: the request is answered", async () => {
    const { transport, write, answer } = await openTransport();
    await write(request(0), cancel(0));
    const drained = transport.drain();
    expect(await isSettled(drained)).toBe(false);
    await answer(0);
    await drained;
  });

  it("makes room for large requests", async () => {
    const { write, stdin, answer, ids } = await openTransport({ maxConcurrentCalls: 1, maxHeldBytes: 1_000 });
    const large = { params: { text: "x".repeat(2_000) } };
    await write(request(1), request(2, large), cancel(2), request(3));
    expect(stdin.isPaused()).toBe(false);
    await answer(1);
    expect(ids()).toEqual([1, 3]);
  });
});

describe("send()", () => {
  it("resolves when there is room for more", async () => {
    const { answer, stdout, answers } = await openTransport();
    stdout.stopReading();
    expect(await isSettled(answer(1))).toBe(true);
    const large = answer(2, { text: "x".repeat(2_000) });
    expect(await isSettled(large)).toBe(false);
    stdout.goOnReading();
    await large;
    expect(answers.map(({ id }) => id)).toEqual([1, 2]);
  });

  it("adds no listeners for many messages at once", async () => {
    const { answer, stdout } = await openTransport();
    stdout.stopReading();
    const before = stdout.listenerCount("drain");
    const sent = numbers(1, 100).map((id) => answer(id, { text: "x".repeat(100) }));
    expect(stdout.listenerCount("drain")).toBe(before);
    stdout.goOnReading();
    await Promise.all(sent);
  });

  it("answers with an error if the result cannot be written as JSON", async () => {
    const { transport, write, answer, answers } = await openTransport();
    await write(request(1));
    await expect(answer(1, { n: 1n })).rejects.toThrow("BigInt");
    expect(answers).toMatchObject([{ id: 1, error: { code: -32603 } }]);
    await transport.drain();
  });

  it.each([
    ["fails", "stdout failed: EPIPE", new Error("EPIPE")],
    ["closes", "stdout closed", undefined],
  ])("resolves when stdout %s, and so do drain() and gone", async (_, reason, error) => {
    const { transport, write, answer, stdout } = await openTransport();
    stdout.stopReading();
    await write(...requests(1, 40));
    const sent = [1, 2].map((id) => answer(id, { text: "x".repeat(2_000) }));
    stdout.destroy(error);
    await Promise.all(sent);
    expect(await transport.gone).toBe(reason);
    await answer(3);
    await transport.drain();
  });
});

describe("drain()", () => {
  it("resolves when all received requests are answered and read, waiting ones too, and takes no more", async () => {
    const { transport, write, ids, answer, answers, stdin, stdout } = await openTransport({ maxConcurrentCalls: 2 });
    await write(...requests(1, 5));
    const drained = transport.drain();
    stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...request(6) })}\n`);
    for (const id of numbers(1, 4)) await answer(id);
    expect(await isSettled(drained)).toBe(false);
    stdout.stopReading();
    void answer(5);
    expect(await isSettled(drained)).toBe(false);
    stdout.goOnReading();
    await drained;
    expect(ids()).toEqual(numbers(1, 5));
    expect(answers.map(({ id }) => id)).toEqual(numbers(1, 5));
  });

  it("resolves at once if no request is open", async () => {
    const { transport } = await openTransport();
    await transport.drain();
  });
});

describe("close()", () => {
  it("calls onclose once, reads no more, and resolves drain() and gone", async () => {
    const { transport, write, received, stdin } = await openTransport({ maxConcurrentCalls: 1 });
    let closed = 0;
    transport.onclose = () => {
      closed += 1;
    };
    await write(...requests(1, 3));
    const drained = transport.drain();
    await transport.close();
    await transport.close();
    expect(closed).toBe(1);
    expect(await transport.gone).toBe("the transport closed");
    await drained;
    stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "late" })}\n`);
    stdin.resume();
    await settled();
    expect(received).toHaveLength(1);
  });

  it("leaves listeners for late errors, which would end the process otherwise", async () => {
    const { transport, stdin, stdout } = await openTransport();
    await transport.close();
    stdin.destroy(new Error("late"));
    stdout.destroy(new Error("late"));
    await settled();
  });
});
