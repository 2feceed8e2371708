import type { ArchiveOptions } from "../../../store/archive/archive-export.js";
import { count } from "../../../store/model/count.js";
import { ArtifactError } from "../../../store/model/errors.js";
import { quote } from "../../../store/model/quote.js";
import { ConfigError } from "../../options/config-error.js";
import { absolutePath } from "../../options/directories.js";
import type { StoreCommandConfig } from "../../options/store-command-config.js";
import { type Address, readAddress } from "../address.js";
import type { StoreCommand } from "../store-command.js";
import { archiveReport } from "./archive-report.js";

/** Foreign files that are named. */
const maxShown = 10;
const isForeign = "is not of an export, and was left as it is";

/** Writes artifacts and a manifest to a directory. */
export const exportCommand: StoreCommand = {
  isWriting: false,
  check: (config) => void wordsOf(config),
  async run({ config, store, terminal, signal }) {
    const { path, address } = wordsOf(config);
    const report = archiveReport(config, terminal, signal);
    const wanted = {
      path,
      bucket: address?.bucket,
      prefix: address?.key,
      removesStale: config.options.has("delete"),
    };
    const { onProblem } = report.options;
    const options: ArchiveOptions = {
      ...report.options,
      onProblem: (name, error) => onProblem(name, withAdvice(error)),
    };
    const { foreign, ...exported } = await store.archive.export(wanted, options).catch((error) => {
      throw error instanceof ArtifactError ? withAdvice(error) : error;
    });
    for (const name of foreign.slice(0, maxShown)) {
      terminal.problem(`${quote(name)} ${isForeign}`);
    }
    if (foreign.length > maxShown) terminal.problem(`and ${foreign.length - maxShown} more files are not`);
    const { artifacts, removed, failed } = exported;
    const lines = [
      `Exported ${count(artifacts, "artifact")} to ${path}.`,
      ...(removed > 0 ? [`Removed ${count(removed, "file")} of an earlier export.`] : []),
    ];
    const problem = `${count(failed, "artifact")} could not be exported, so there is no manifest: make the same export again`;
    const skipped = foreign.map((name) => ({ name, message: isForeign }));
    return report.end({ ...exported, skipped }, lines, failed > 0 ? problem : undefined);
  },
};

function wordsOf({ words }: StoreCommandConfig): { path: string; address: Address | undefined } {
  const [directory, place, ...others] = words;
  if (directory === undefined)
    throw new ConfigError("export needs a directory to write to: export DIR [BUCKET[/PREFIX]]");
  if (others.length > 0)
    throw new ConfigError(`export takes a directory and one place, and ${quote(others[0] ?? "")} is too much`);
  const address = place === undefined ? undefined : readAddress(place);
  if (address?.version !== undefined) throw new ConfigError("export writes the newest versions: leave out the @");
  return { path: absolutePath(directory), address };
}

/** An error whose message says what this command can do about it. */
function withAdvice(error: ArtifactError): ArtifactError {
  const advice = adviceFor(error);
  if (advice === undefined) return error;
  const { code, message, details } = error;
  return new ArtifactError(code, `${message} ${advice}`, { details, cause: error });
}

function adviceFor({ next, details }: ArtifactError): string | undefined {
  if (details["stale"] !== undefined) return "Give --delete to remove them, or give another directory.";
  return next === "export_elsewhere" ? "Correct that, or give another directory." : undefined;
}
