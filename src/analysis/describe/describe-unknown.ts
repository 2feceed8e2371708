import type { Description } from "../../store/ports/description.js";
import { blockBytes, type Source } from "../source.js";

/** The first 32 bytes, and the entropy of the first MiB. */
export async function describeUnknown(source: Source): Promise<Pick<Description, "unknown">> {
  const bytes = await source.read(0, Math.min(blockBytes, source.bytes));
  const first = Buffer.from(bytes.subarray(0, 32)).toString("hex");
  return { unknown: { first_bytes: first, entropy: Math.round(entropyOf(bytes) * 1000) / 1000 } };
}

/** In bits per byte, as Shannon defines it. */
function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  return bits;
}
