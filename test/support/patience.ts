/**
 * How long a test waits for an event, in milliseconds: a slow machine makes a test slow, and only an event that never
 * comes makes it fail. `vitest.config.ts` gives a whole test the same.
 */
export const patienceMs = 20 * 60_000;

/** The same as options of `vi.waitFor` and of child processes. */
export const patience = { timeout: patienceMs } as const;
