import { nearestError } from "../../api/hints/nearest-error.js";
import type { ArtifactStore } from "../../store/artifacts/artifact-store.js";
import { ArtifactError } from "../../store/model/errors.js";
import { quote } from "../../store/model/quote.js";
import { readAddress } from "./address.js";
import { isLocalPath, shellWord } from "./local-path.js";
import { messageForCommand } from "./message-for-command.js";

type Artifacts = Pick<ArtifactStore, "get" | "list" | "listBuckets">;

/** What a person reads about an error: what is near a name that is not there, and what to do. @param words of the command */
export async function problemText(artifacts: Artifacts, error: ArtifactError, words: readonly string[]) {
  return (await keyLikeVersion(artifacts, error, words)) ?? messageForCommand(await nearestError(artifacts, error));
}

const endsLikeVersion = /\/.+(@\d{1,15})$/s;

/** For a word like `b/k@3`, of which there is no artifact, while there is one with the key `k@3`. */
async function keyLikeVersion(
  artifacts: Artifacts,
  { code, message, details }: ArtifactError,
  words: readonly string[],
) {
  if (code !== "artifact_not_found") return undefined;
  for (const word of words) {
    const [, end = ""] = endsLikeVersion.exec(word) ?? [];
    if (end === "" || isLocalPath(word)) continue;
    const { bucket, key } = readAddress(word);
    const isMeant = bucket === details.bucket && key === details.key;
    if (!isMeant || !(await isThere(artifacts, bucket, key + end))) continue;
    return `${message} The key ${quote(key + end)} is there: write ${shellWord(`${word}@latest`)}.`;
  }
  return undefined;
}

async function isThere(artifacts: Artifacts, bucket: string, key: string): Promise<boolean> {
  try {
    await artifacts.get(bucket, key);
    return true;
  } catch (error) {
    if (error instanceof ArtifactError) return false; // the first error is the one to tell
    throw error;
  }
}
