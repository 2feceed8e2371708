import { ArtifactError } from "../../src/store/model/errors.js";

/** The `ArtifactError` that `call` throws. Throws if `call` succeeds or fails with another error. */
export function refusalOf(call: () => unknown): ArtifactError {
  try {
    call();
  } catch (error) {
    if (error instanceof ArtifactError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}
