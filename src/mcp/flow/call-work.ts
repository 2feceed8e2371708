import type { Result } from "@modelcontextprotocol/sdk/types.js";

/** What a request leads to, from when its work begins: a cancelled one may still be worked on. */
export interface Work {
  /** Resolves once nothing of it goes on, however it ended. */
  readonly ended: Promise<void>;
  readonly hasEnded: boolean;
  /** Undefined while it goes on, and where it failed. */
  readonly result: Result | undefined;
}

const works = new WeakMap<object, Work>();

/** Undefined where the work on a request has not begun, or never does. */
export function workOn(request: object): Work | undefined {
  return works.get(request);
}

/** Works on a request, for `workOn` to tell of. */
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
