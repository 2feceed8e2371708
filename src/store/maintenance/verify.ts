import { ContentCheck, type ContentCheckDependencies } from "./content-check.js";
import { checkIndex } from "./index-check.js";
import { RowCheck, type RowCheckDependencies } from "./row-check.js";
import type { StoreIdentity } from "./store-identity.js";
import { UnnamedContent, type UnnamedContentDependencies } from "./unnamed-content.js";
import { VerifyFindings } from "./verify-findings.js";
import type { VerifyOptions, VerifyReport } from "./verify-report.js";

export interface VerifyDependencies extends UnnamedContentDependencies, RowCheckDependencies, ContentCheckDependencies {
  readonly identity: StoreIdentity;
}

/**
 * Checks every row against every file while others go on working: it looks again before it reports a fault. Unfinished
 * work, and leftovers that the sweep removes, are no faults.
 *
 * @throws ArtifactError `store_replaced`
 */
export async function verify(dependencies: VerifyDependencies, options: VerifyOptions = {}): Promise<VerifyReport> {
  const findings = new VerifyFindings(options);
  const unnamed = new UnnamedContent(dependencies, options, findings);
  const rows = new RowCheck(dependencies, options, findings, unnamed);
  const contents = new ContentCheck(dependencies, findings);
  await rows.checkDatabase();
  await dependencies.identity.check(); // the files of another store must not become orphans of this one
  // Keep this order: content that is published meanwhile is named by a row that is read later.
  await unnamed.list();
  await rows.checkRows();
  await checkIndex(dependencies.metadata, options, findings);
  await contents.checkContents();
  await unnamed.reportOrphans();
  if (findings.isSound || options.repair) await dependencies.identity.accept();
  return findings.report;
}
