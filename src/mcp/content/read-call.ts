import type { Artifact } from "../../store/model/artifact.js";

/** Characters of a name that could change how the text around it is read. JSON may have them as `\uXXXX`. */
const misleading = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A call as an answer writes it. Arguments that are undefined are left out. */
export function callText(tool: string, args: object): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${tool} ${JSON.stringify(args).replace(misleading, escaped)}`;
}

/** A call that reads this version of an artifact. */
export function readCall(artifact: Pick<Artifact, "bucket" | "key" | "version">, more: object): string {
  const { bucket, key, version } = artifact;
  return callText("read_artifact", { bucket, key, version, ...more });
}

/** How many lines or rows the call for the next page asks for: the rest of those that were asked for, or as many again. */
export function nextCount(asked: number | undefined, shown: number): number | undefined {
  if (asked === undefined || asked < 0) return undefined;
  return shown < asked ? asked - shown : asked;
}
