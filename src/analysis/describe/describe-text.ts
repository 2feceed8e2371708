import type { PartialReason, TextDescription } from "../../store/ports/description.js";
import type { Detected } from "../formats/detect-format.js";
import type { Run, Source } from "../source.js";
import { scanBytes } from "./scan-bytes.js";
import { TextScanner } from "./text-scanner.js";

export async function describeText(
  source: Source,
  detected: Detected,
  run: Run,
): Promise<{ text: TextDescription; partial?: PartialReason }> {
  const scanner = new TextScanner({ encoding: detected.encoding ?? "utf-8", bom: detected.bom ?? false });
  const partial = await scanBytes(source, detected, run, (block) => {
    scanner.write(block);
    return true;
  });
  return { text: scanner.facts(), ...(partial && { partial }) };
}
