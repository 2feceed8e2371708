import { describe, expect, it } from "vitest";
import { EventLog, type EventStream } from "../../../src/mcp/http/event-log.js";

/** With the overhead of an event this makes 1,024 bytes. */
const bytes = 512;

class Stream implements EventStream {
  stalledMs = 0;
  isDisconnected = false;

  disconnect(): void {
    this.isDisconnected = true;
  }
}

function fill(log: EventLog<Stream>, stream: Stream, isRead = true) {
  const event = log.add(stream, () => ({ pieces: [Buffer.alloc(bytes)], bytes, release: () => undefined }));
  if (isRead) log.settle(event);
  return event;
}

describe("EventLog", () => {
  it("returns the later events of the same stream to a client that resumes", () => {
    const log = new EventLog<Stream>(10_000);
    const [a, b] = [new Stream(), new Stream()];
    const first = fill(log, a);
    fill(log, b);
    const third = fill(log, a);
    expect(log.find(first.id)).toBe(first);
    expect(log.takeAfter(first)).toEqual([third]);
    expect(log.unreadBytes).toBe(1_024);
    expect(log.takeAfter(third)).toEqual([]);
  });

  it("limits the bytes of all streams together: it drops the oldest read events", () => {
    const log = new EventLog<Stream>(2_048);
    const streams = Array.from({ length: 40 }, () => new Stream());
    const events = streams.map((stream) => fill(log, stream));
    expect(log.bytes).toBe(2_048);
    expect(events.map(({ id }) => log.find(id)).filter((event) => event !== undefined)).toEqual(events.slice(-2));
  });

  it("drops read events to make room for unread ones, but no unread event", () => {
    const log = new EventLog<Stream>(2_048);
    const unread = [fill(log, new Stream(), false), fill(log, new Stream(), false), fill(log, new Stream(), false)];
    const read = fill(log, new Stream());
    expect(log.find(read.id)).toBeUndefined();
    expect(unread.map(({ id }) => log.find(id))).toEqual(unread);
    expect(log.unreadBytes).toBe(3_072);
    for (const event of unread) log.settle(event);
    expect([log.unreadBytes, log.bytes]).toEqual([0, 2_048]);
  });

  it("drops the events of a stream on request", () => {
    const log = new EventLog<Stream>(10_000);
    const [a, b] = [new Stream(), new Stream()];
    const mine = [fill(log, a), fill(log, a, false)];
    const other = fill(log, b);
    log.forget((stream) => stream === a);
    expect(mine.map(({ id }) => log.find(id))).toEqual([undefined, undefined]);
    expect(log.find(other.id)).toBe(other);
    expect(log.bytes).toBe(1_024);
  });

  it("disconnects the client that has stalled longest, if it has stalled too long", () => {
    const log = new EventLog<Stream>(10_000);
    const [slow, slower] = [new Stream(), new Stream()];
    fill(log, slow, false);
    fill(log, slower, false);
    Object.assign(slow, { stalledMs: 60 });
    Object.assign(slower, { stalledMs: 90 });
    expect(log.disconnectStalled(100)).toBe(false);
    Object.assign(slower, { stalledMs: 100 });
    expect(log.disconnectStalled(100)).toBe(true);
    expect([slow.isDisconnected, slower.isDisconnected, log.unreadBytes]).toEqual([false, true, 1_024]);
  });
});
