import { describe, expect, it } from "vitest";
import { BodyBudget } from "../../../src/mcp/http/body-budget.js";
import { settled } from "../../support/stdio-streams.js";

function newReservation(bytes: number) {
  const state = { received: 0, isReceiving: false, isEvicted: false, isGranted: false };
  const evict = (): void => {
    state.isEvicted = true;
  };
  const progress = (): number => {
    if (state.isReceiving) state.received += 1; // something has arrived at each check
    return state.received;
  };
  return { bytes, state, progress, evict };
}

async function reserve(budget: BodyBudget, bytes: number) {
  const reservation = newReservation(bytes);
  void budget.reserve(reservation).then(() => {
    reservation.state.isGranted = true;
  });
  await settled();
  return reservation;
}

describe("BodyBudget", () => {
  it("grants reservations that fit, in order; a small one overtakes a large one that waits", async () => {
    const budget = new BodyBudget(100, 60_000);
    const first = await reserve(budget, 60);
    const second = await reserve(budget, 60);
    const third = await reserve(budget, 60);
    const small = await reserve(budget, 40);
    expect([first, second, third, small].map(({ state }) => state.isGranted)).toEqual([true, false, false, true]);
    budget.release(small);
    budget.release(first);
    await settled();
    expect([second.state.isGranted, third.state.isGranted]).toEqual([true, false]);
    expect(budget.waiting).toBe(1);
    budget.release(third);
    await settled();
    expect(budget.waiting).toBe(0);
  });

  it("frees what a body of unknown length did not need, as soon as the body is complete", async () => {
    const budget = new BodyBudget(100, 60_000);
    const unknown = await reserve(budget, 100);
    const other = await reserve(budget, 50);
    expect(other.state.isGranted).toBe(false);
    budget.complete(unknown, 50);
    await settled();
    expect(other.state.isGranted).toBe(true);
    const third = await reserve(budget, 1);
    expect(third.state.isGranted).toBe(false);
    budget.release(unknown);
    await settled();
    expect(third.state.isGranted).toBe(true);
  });

  it("evicts a body that stalls while others wait, but not one that makes progress or is complete", async () => {
    const budget = new BodyBudget(90, 20);
    const [stalled, receiving, whole] = [
      await reserve(budget, 30),
      await reserve(budget, 30),
      await reserve(budget, 30),
    ];
    budget.complete(whole, 30);
    receiving.state.isReceiving = true;
    const waiting = await reserve(budget, 30);
    await expect.poll(() => waiting.state.isGranted).toBe(true);
    expect([stalled, receiving, whole].map(({ state }) => state.isEvicted)).toEqual([true, false, false]);
    for (const one of [receiving, whole, waiting]) budget.release(one);
  });
});
