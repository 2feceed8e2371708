import type { PictureSize } from "../../../store/model/formats/picture-size.js";
import type { Description } from "../../../store/ports/description.js";
import { decodedText } from "../../formats/byte-stream.js";
import type { Detected } from "../../formats/detect-format.js";
import type { Run, Source } from "../../source.js";
import { describeText } from "../describe-text.js";

/** A picture that is text, and has a size only if it states one. */
export async function describeSvg(
  source: Source,
  detected: Detected,
  run: Run,
): Promise<Pick<Description, "text" | "image" | "partial">> {
  const image = await svgSize(source, detected);
  return { ...(await describeText(source, detected, run)), ...(image && { image }) };
}

/** The size in pixels that the root element states, if it states one. */
async function svgSize(source: Source, detected: Detected): Promise<PictureSize | undefined> {
  for await (const text of decodedText(source, detected)) return sizeIn(text);
  return undefined;
}

function sizeIn(text: string): PictureSize | undefined {
  const start = text.search(/<svg[\s>]/);
  const root = text.slice(start, start + 10_000).split(">", 1)[0] ?? "";
  const [width, height] = [lengthOf(root, "width"), lengthOf(root, "height")];
  return start >= 0 && width && height ? { width, height } : undefined;
}

/** In whole pixels, as all sizes are. Lengths in other units depend on what shows the picture. */
function lengthOf(root: string, name: string): number | undefined {
  const [, digits] = new RegExp(`\\s${name}\\s*=\\s*["']\\s*(\\d+(?:\\.\\d+)?)(?:px)?\\s*["']`).exec(root) ?? [];
  const length = Math.round(Number(digits));
  return Number.isSafeInteger(length) ? length : undefined;
}
