import type { OpenArtifact } from "../../store/artifacts/open-artifact.js";
import { typeOfContent } from "../../store/model/formats/content-type.js";
import { type Encoding, encodingOf } from "../../store/model/formats/text-encoding.js";

/** What is looked at. */
const headBytes = 64 * 1024;

/** The encoding of a text by its beginning. Undefined if that is no text, or has the signature of another format. */
export async function textEncodingOf(open: OpenArtifact): Promise<Encoding | undefined> {
  const { bytes } = open.artifact;
  if (bytes === 0) return undefined;
  const head = await open.read(0, Math.min(headBytes, bytes));
  if ((typeOfContent(head) ?? "text/plain") !== "text/plain") return undefined;
  return encodingOf(head, head.length === bytes)?.encoding;
}
