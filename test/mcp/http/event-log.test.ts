import { describe, expect, it } from "vitest";
import { EventLog, type EventStream } from "../../../src/mcp/http/event-log.js";

/** With what an event costs beside its own bytes, so that two of them are 2,048. */
const bytes = 512;

class Stream implements EventStream {
  stalledMs = 0;
  isCut = false;

  cut(): void {
    this.isCut = true;
  }
}

function fill(log: EventLog<Stream>, stream: Stream, isRead = true) {
  const event = log.add(stream, () => ({ pieces: [Buffer.alloc(bytes)], bytes, release: () => undefined }));
  if (isRead) log.settle(event);
  return event;
}

describe("what was sent last", () => {
  it("is told again from where a client lost it, of its own stream alone", () => {
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

  it("of all streams shares one limit in bytes: the oldest is forgotten", () => {
    const log = new EventLog<Stream>(2_048);
    const streams = Array.from({ length: 40 }, () => new Stream());
    const events = streams.map((stream) => fill(log, stream));
    expect(log.bytes).toBe(2_048);
    expect(events.map(({ id }) => log.find(id)).filter((event) => event !== undefined)).toEqual(events.slice(-2));
  });

  it("is not forgotten before it was read, but what was read is, for its sake", () => {
    const log = new EventLog<Stream>(2_048);
    const unread = [fill(log, new Stream(), false), fill(log, new Stream(), false), fill(log, new Stream(), false)];
    const read = fill(log, new Stream());
    expect(log.find(read.id)).toBeUndefined();
    expect(unread.map(({ id }) => log.find(id))).toEqual(unread);
    expect(log.unreadBytes).toBe(3_072);
    for (const event of unread) log.settle(event);
    expect([log.unreadBytes, log.bytes]).toEqual([0, 2_048]);
  });

  it("is forgotten with its stream", () => {
    const log = new EventLog<Stream>(10_000);
    const [a, b] = [new Stream(), new Stream()];
    const mine = [fill(log, a), fill(log, a, false)];
    const other = fill(log, b);
    log.forget((stream) => stream === a);
    expect(mine.map(({ id }) => log.find(id))).toEqual([undefined, undefined]);
    expect(log.find(other.id)).toBe(other);
    expect(log.bytes).toBe(1_024);
  });

  it("is given up of the client that has taken nothing for longest, once that is too long", () => {
    const log = new EventLog<Stream>(10_000);
    const [slow, slower] = [new Stream(), new Stream()];
    fill(log, slow, false);
    fill(log, slower, false);
    Object.assign(slow, { stalledMs: 60 });
    Object.assign(slower, { stalledMs: 90 });
    expect(log.cutStalled(100)).toBe(false);
    Object.assign(slower, { stalledMs: 100 });
    expect(log.cutStalled(100)).toBe(true);
    expect([slow.isCut, slower.isCut, log.unreadBytes]).toEqual([false, true, 1_024]);
  });
});
