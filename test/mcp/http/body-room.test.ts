import { describe, expect, it } from "vitest";
import { BodyRoom } from "../../../src/mcp/http/body-room.js";
import { settled } from "../../support/stdio-streams.js";

function guest(bytes: number) {
  const state = { came: 0, isComing: false, isExpelled: false, isInside: false };
  const expel = (): void => {
    state.isExpelled = true;
  };
  const progress = (): number => {
    if (state.isComing) state.came += 1; // something has come whenever it is looked at
    return state.came;
  };
  return { bytes, state, progress, expel };
}

async function enter(room: BodyRoom, bytes: number) {
  const entered = guest(bytes);
  void room.enter(entered).then(() => {
    entered.state.isInside = true;
  });
  await settled();
  return entered;
}

describe("the room for bodies", () => {
  it("takes who fits, in order, and a small one past a large one that waits", async () => {
    const room = new BodyRoom(100, 60_000);
    const first = await enter(room, 60);
    const second = await enter(room, 60);
    const third = await enter(room, 60);
    const small = await enter(room, 40);
    expect([first, second, third, small].map(({ state }) => state.isInside)).toEqual([true, false, false, true]);
    room.leave(small);
    room.leave(first);
    await settled();
    expect([second.state.isInside, third.state.isInside]).toEqual([true, false]);
    expect(room.waiting).toBe(1);
    room.leave(third);
    await settled();
    expect(room.waiting).toBe(0);
  });

  it("gives back at once what a body of unknown length did not need", async () => {
    const room = new BodyRoom(100, 60_000);
    const unknown = await enter(room, 100);
    const other = await enter(room, 50);
    expect(other.state.isInside).toBe(false);
    room.complete(unknown, 50);
    await settled();
    expect(other.state.isInside).toBe(true);
    const third = await enter(room, 1);
    expect(third.state.isInside).toBe(false);
    room.leave(unknown);
    await settled();
    expect(third.state.isInside).toBe(true);
  });

  it("expels a body that brings nothing once others wait, and neither one that comes nor one that is whole", async () => {
    const room = new BodyRoom(90, 20);
    const [stalled, coming, whole] = [await enter(room, 30), await enter(room, 30), await enter(room, 30)];
    room.complete(whole, 30);
    coming.state.isComing = true;
    const waiting = await enter(room, 30);
    await expect.poll(() => waiting.state.isInside).toBe(true);
    expect([stalled, coming, whole].map(({ state }) => state.isExpelled)).toEqual([true, false, false]);
    for (const one of [coming, whole, waiting]) room.leave(one);
  });
});
