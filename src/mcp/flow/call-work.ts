import type { Result } from "@modelcontextprotocol/sdk/types.js";

/** The work on one request. It may go on after the request was cancelled. */
export interface Work {
  /** Resolves when the work has ended, whether it succeeded or failed. */
  readonly ended: Promise<void>;
  readonly hasEnded: boolean;
  /** Undefined until the work has ended, and if it failed. */
  readonly result: Result | undefined;
}

const works = new WeakMap<object, Work>();

/** Returns the work on a request. Returns undefined if it has not begun. */
export function workOn(request: object): Work | undefined {
  return works.get(request);
}

/** Runs the work on a request, so that `workOn` finds it. */
export async function work(request: object, answer: () => Promise<Result>): Promise<Result> {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const now: { -readonly [Member in keyof Work]: Work[Member] } = { ended, hasEnded: false, result: undefined };
  works.set(request, now);
  try {
    now.result = await answer();
    return now.result;
  } finally {
    now.hasEnded = true;
    end();
  }
}
