import type { ArtifactIndex } from "../ports/artifact-index.js";
import type { VerifyFindings } from "./verify-findings.js";
import type { VerifyOptions } from "./verify-report.js";

/**
 * Reports where the index of artifacts differs from the rows. Repair makes it again from the rows, so rows that cannot
 * be read must have been moved out before.
 */
export async function checkIndex(
  index: Pick<ArtifactIndex, "checkIndex" | "rebuildIndex">,
  { repair }: VerifyOptions,
  findings: VerifyFindings,
): Promise<void> {
  const lines = await index.checkIndex();
  if (lines.length === 0) return;
  if (repair) await index.rebuildIndex();
  const left = repair ? await index.checkIndex() : lines;
  for (const message of new Set([...lines, ...left])) {
    const repaired = !left.includes(message);
    findings.faults.push({ kind: "index", path: "metadata.sqlite", message, next: "repair", repaired });
  }
}
