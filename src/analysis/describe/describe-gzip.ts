import type { Description } from "../../store/ports/description.js";
import type { Run, Source } from "../source.js";
import { scanBytes } from "./scan-bytes.js";

class TimeOver extends Error {}

/** Whether gzip around content of no known format is damaged, as far as the time goes. */
export async function describeGzip(source: Source, run: Run): Promise<Pick<Description, "partial">> {
  const { key, mimeType, bytes } = source;
  const read = (start: number, length: number) => {
    if (run.isOver()) throw new TimeOver(); // it may be read for long before anything comes out
    return source.read(start, length);
  };
  const limited: Source = { key, mimeType, bytes, read: async (start, length) => read(start, length) };
  try {
    const partial = await scanBytes(limited, { compression: "gzip" }, run, () => true);
    return partial?.reason === "damaged" ? { partial } : {}; // there is nothing to tell of the rest
  } catch (error) {
    if (error instanceof TimeOver) return {};
    throw error;
  }
}
