import { count } from "../../../store/model/count.js";
import { ArtifactError } from "../../../store/model/errors.js";
import { quote } from "../../../store/model/quote.js";
import { ConfigError } from "../../options/config-error.js";
import { absolutePath } from "../../options/directories.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { isFolder } from "../local-path.js";
import { type StoreCommand, savedByCommand } from "../store-command.js";
import { archiveReport } from "./archive-report.js";

/** Saves what an export has written. */
export const importCommand: StoreCommand = {
  isWriting: true,
  makesStore: true,
  check(config) {
    const path = pathIn(config);
    if (isFolder(path)) return;
    throw new ArtifactError("invalid_argument", `There is no directory ${quote(path)}.`);
  },
  async run({ config, store, terminal, signal }) {
    const path = pathIn(config);
    const report = archiveReport(config, terminal, signal);
    const imported = await store.archive.import({ path, saved_by: savedByCommand }, report.options);
    const { artifacts, already_saved, failed } = imported;
    const unchanged = already_saved > 0 ? `, ${already_saved} of them saved already` : "";
    const lines = [`Imported ${count(artifacts, "artifact")} from ${path}${unchanged}.`];
    const problem = `${count(failed, "artifact")} of ${artifacts + failed} could not be imported`;
    return report.end(imported, lines, failed > 0 ? problem : undefined);
  },
};

function pathIn({ words }: StoreCommandConfig): string {
  const [directory, other] = words;
  if (directory === undefined) throw new ConfigError("import needs the directory of an export: import DIR");
  if (other !== undefined) throw new ConfigError(`import takes one directory, and ${quote(other)} is too much`);
  return absolutePath(directory);
}
