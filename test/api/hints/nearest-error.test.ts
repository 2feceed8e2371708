import { describe, expect, it } from "vitest";
import { nearestError } from "../../../src/api/hints/nearest-error.js";
import { ArtifactError } from "../../../src/store/model/errors.js";
import { createMemoryEngines, saveText, storeOn } from "../../support/stores.js";

async function stored() {
  const { artifacts, ...store } = storeOn(createMemoryEngines());
  const places = [
    ["evals", "runs/1/results.csv"],
    ["evals", "runs/2/results.csv"],
    ["eval-2", "notes.md"],
    ["z", "a"],
  ] as const;
  for (const [bucket, key] of places) await saveText({ artifacts, ...store }, bucket, key, "x");
  /** The message for a call that fails. */
  const told = async (call: Promise<unknown>): Promise<string> => {
    const error = await call.then(
      () => undefined,
      (cause) => cause,
    );
    if (!(error instanceof ArtifactError)) throw new Error("the call was not refused", { cause: error });
    return (await nearestError(artifacts, error)).message;
  };
  return { artifacts, told };
}

describe("nearestError() for an artifact", () => {
  it.each([
    ["runs/1/result.csv", /^There is no artifact .* Similar keys in this bucket: "runs\/1\/results\.csv"\.$/],
    ["RUNS/1/results.csv", /Similar keys in this bucket: "runs\/1\/results\.csv"/],
    ["runs/1", /It is a folder: there are keys that begin with "runs\/1\/"\.$/],
    ["rnus", /Similar folders: "runs\/"\.$/],
    ["nothing/like/it", /^There is no artifact "nothing\/like\/it" in bucket "evals"\.$/],
  ])("%s", async (key, message) => {
    const { artifacts, told } = await stored();
    expect(await told(artifacts.get("evals", key))).toMatch(message);
  });

  it("in a bucket that is not there names the nearest bucket", async () => {
    const { artifacts, told } = await stored();
    expect(await told(artifacts.get("eval", "a"))).toBe(
      'There is no artifact "a" in bucket "eval". A similar bucket is "evals".',
    );
  });
});

describe("nearestError() for a bucket", () => {
  it.each([
    ["Evals", /^There is no bucket "Evals": .* A similar bucket is "evals"\.$/],
    ["evals-2", /Similar buckets: "eval-2", "evals"\.$|A similar bucket is "eval-2"\.$/],
    ["my-evals", /A similar bucket is "evals"\.$/],
    ["frobnicate", /holds an artifact\.$/],
  ])("%s", async (bucket, message) => {
    const { artifacts, told } = await stored();
    expect(await told(artifacts.list({ bucket, limit: 1 }))).toMatch(message);
  });
});

it("nearestError() leaves other errors as they are", async () => {
  const { artifacts } = await stored();
  const error = new ArtifactError("too_large", "It is too large.", { details: { bucket: "eval", key: "a" } });
  expect(await nearestError(artifacts, error)).toBe(error);
});
