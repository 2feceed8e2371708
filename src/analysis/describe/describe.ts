import type { Description } from "../../store/ports/description.js";
import type { Run, Source } from "../source.js";

export async function describe(source: Source, run: Run): Promise<Description> {
  throw new Error(`not yet ${typeof source} ${typeof run}`);
}
