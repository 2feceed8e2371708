import { HttpError } from "../message/http-error.js";

/**
 * How many requests may look into content, or wait for that, at a time. Each keeps content open. Few run at a time, for
 * ten seconds at most, so the last one begins before its connection counts as idle.
 */
const maxPlaces = 8;

/** Limits the requests that look into content. */
export class AnalysisPlaces {
  #taken = 0;

  /** Does `work` in a place. @throws HttpError `unavailable` if none is free */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#taken >= maxPlaces) throw allTaken();
    this.#taken += 1;
    try {
      return await work();
    } finally {
      this.#taken -= 1;
    }
  }
}

function allTaken(): HttpError {
  const message = `The server already looks into content for ${maxPlaces} requests: send this one again in 5 seconds.`;
  return new HttpError("unavailable", message, { "retry-after": "5" });
}
