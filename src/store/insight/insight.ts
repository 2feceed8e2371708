import type { ArtifactStore } from "../artifacts/artifact-store.js";
import type { OpenArtifact } from "../artifacts/open-artifact.js";
import type { Artifact } from "../model/artifact.js";
import { ArtifactError } from "../model/errors.js";
import { typeOfContent } from "../model/formats/content-type.js";
import {
  type AnalysedContent,
  type Analyses,
  type Analysis,
  AnalysisStopped,
  type CompareAnalysis,
  type DescribeAnalysis,
  type FindAnalysis,
  type RowsAnalysis,
} from "../ports/analyses.js";
import type { Comparison, Description, FoundLines, LinesPage, RowsPage } from "../ports/description.js";
import { DerivedFacts, type DerivedFactsDependencies } from "./derived-facts.js";
import { descriptionId, isCut, KnownDescriptions } from "./known-descriptions.js";
import { LineReader, type ReadLines } from "./lines/line-reader.js";
import { SharedRuns } from "./shared-runs.js";

/** Enough to tell gzip. */
const signatureBytes = 16;

/** An analysis that has no answer if a limit stops it. */
type PageAnalysis = Exclude<Analysis, DescribeAnalysis>;

export interface InsightDependencies extends DerivedFactsDependencies {
  readonly artifacts: Pick<ArtifactStore, "open" | "get">;
  readonly analyses: Analyses;
}

/** Content up to this size is described whole in a moment. */
const soonDescribedBytes = 1024 * 1024;

/** Names a version; the newest one if `version` is absent. */
export interface VersionAt {
  readonly bucket: string;
  readonly key: string;
  readonly version?: number | undefined;
}

/** What was found, and in which version. */
export type Found<Fact> = Fact & { readonly artifact: Artifact };

/**
 * Looks into content, so that a caller need not read it.
 *
 * @throws ArtifactError `artifact_not_found`, `corrupt` from every method; `invalid_argument` if the content is not what
 * the method needs; `too_large` if a limit of time or memory stopped it
 */
export class Insight {
  readonly #dependencies: InsightDependencies;
  readonly #descriptions: KnownDescriptions;
  readonly #describing = new SharedRuns<Description>();
  readonly #lines: LineReader;

  constructor(dependencies: InsightDependencies) {
    this.#dependencies = dependencies;
    const facts = new DerivedFacts(dependencies);
    this.#descriptions = new KnownDescriptions(facts);
    this.#lines = new LineReader(facts);
  }

  /**
   * What a content is. It is kept, so that the next call is fast; except that a description that a limit of time or memory
   * has cut is made again. Calls for one content at the same time share the work.
   */
  async describe({ bucket, key, version }: VersionAt, signal?: AbortSignal): Promise<DescribedArtifact> {
    const artifact = await this.#dependencies.artifacts.get(bucket, key, version);
    const known = await this.#descriptions.get(artifact);
    const description = known !== undefined && !isCut(known) ? known : await this.#describeTogether(artifact, signal);
    return { artifact, description };
  }

  /**
   * What a content is as far as that is known soon: its description if it was made before or the content is small, otherwise
   * one for which the values of a table are not read. That one is not kept.
   */
  async brief({ bucket, key, version }: VersionAt, signal?: AbortSignal): Promise<DescribedArtifact> {
    const artifact = await this.#dependencies.artifacts.get(bucket, key, version);
    const known = await this.#descriptions.get(artifact);
    if (known !== undefined) return { artifact, description: known };
    if (artifact.bytes <= soonDescribedBytes) {
      return { artifact, description: await this.#describeTogether(artifact, signal) };
    }
    return this.#withOpen([artifact], async ([open]) => ({
      artifact,
      description: await this.#describeAnew(open, { kind: "describe", brief: true }, signal),
    }));
  }

  /** The description of a version if a call has made it before. It may be cut. Never throws. */
  async known(artifact: Artifact): Promise<Description | undefined> {
    return this.#descriptions.get(artifact);
  }

  /** Lines of a text, also through gzip. */
  async lines(at: VersionAt, wanted: ReadLines, signal?: AbortSignal): Promise<Found<LinesPage>> {
    return this.#withOpen([at], async ([open]) => {
      const isPacked = typeOfContent(await open.read(0, signatureBytes)) === "application/gzip";
      const page = isPacked
        ? await this.#run({ ...wanted, kind: "lines" }, [open], signal)
        : await this.#lines.read(open, wanted);
      return { ...page, artifact: open.artifact };
    });
  }

  /** Rows of a table. */
  async rows(at: VersionAt, wanted: Omit<RowsAnalysis, "kind">, signal?: AbortSignal): Promise<Found<RowsPage>> {
    return this.#withOpen([at], async ([open]) => {
      const page = await this.#run({ ...wanted, kind: "rows" }, [open], signal);
      const total = page.total ?? (await this.#knownRows(open.artifact));
      return { ...page, ...(total !== undefined && { total }), artifact: open.artifact };
    });
  }

  /** The number of rows, if a description has counted all. */
  async #knownRows(artifact: Artifact): Promise<number | undefined> {
    const { table, partial } = (await this.#descriptions.get(artifact)) ?? {};
    return partial === undefined || table?.rows_exact === true ? table?.rows : undefined;
  }

  /** Lines in which a text or an expression is found. */
  async find(at: VersionAt, wanted: Omit<FindAnalysis, "kind">, signal?: AbortSignal): Promise<Found<FoundLines>> {
    return this.#withOpen([at], async ([open]) => {
      const found = await this.#run({ ...wanted, kind: "find" }, [open], signal);
      return { ...found, artifact: open.artifact };
    });
  }

  /** How two versions, or two artifacts, differ. The first one is the one before. */
  async compare(
    before: VersionAt,
    after: VersionAt,
    wanted: Omit<CompareAnalysis, "kind" | "names">,
    signal?: AbortSignal,
  ): Promise<ComparedArtifacts> {
    return this.#withOpen([before, after], async ([first, second = first]) => {
      if (hasSameContent(first.artifact, second.artifact)) {
        return { before: first.artifact, after: second.artifact, comparison: { kind: "identical" } };
      }
      const names = [nameOf(first.artifact), nameOf(second.artifact)] as const;
      const comparison = await this.#run({ ...wanted, kind: "compare", names }, [first, second], signal);
      return { before: first.artifact, after: second.artifact, comparison };
    });
  }

  /** Describes a content anew and keeps the description, once for all who ask at the same time. */
  async #describeTogether(artifact: Artifact, signal?: AbortSignal): Promise<Description> {
    const describeIt = (shared: AbortSignal) =>
      this.#withOpen([artifact], async ([open]) => {
        const description = await this.#describeAnew(open, { kind: "describe" }, shared);
        await this.#descriptions.put(artifact, description);
        return description;
      });
    return this.#describing.join(descriptionId(artifact), describeIt, signal);
  }

  async #describeAnew(open: OpenArtifact, wanted: DescribeAnalysis, signal?: AbortSignal): Promise<Description> {
    try {
      return await this.#dependencies.analyses.run(wanted, [contentOf(open)], signal);
    } catch (error) {
      if (!(error instanceof AnalysisStopped)) throw error;
      const { reason } = error;
      const partial = { reason, message: `The ${reason} limit stopped the description.` };
      return { format: "unknown", ...(error.known as Partial<Description> | undefined), partial };
    }
  }

  /** Runs an analysis that has no answer if a limit stops it. */
  async #run<Wanted extends PageAnalysis>(wanted: Wanted, open: readonly OpenArtifact[], signal?: AbortSignal) {
    try {
      return await this.#dependencies.analyses.run(wanted, open.map(contentOf), signal);
    } catch (error) {
      throw error instanceof AnalysisStopped ? stopped(wanted, error) : error;
    }
  }

  async #withOpen<Result>(
    wanted: readonly [VersionAt, ...VersionAt[]],
    act: (open: readonly [OpenArtifact, ...OpenArtifact[]]) => Promise<Result>,
  ): Promise<Result> {
    const open: OpenArtifact[] = [];
    try {
      for (const { bucket, key, version } of wanted) {
        open.push(await this.#dependencies.artifacts.open(bucket, key, version));
      }
      return await act(open as unknown as readonly [OpenArtifact, ...OpenArtifact[]]);
    } finally {
      await Promise.all(open.map((one) => one.close()));
    }
  }
}

export type DescribedArtifact = Found<{ readonly description: Description }>;

export interface ComparedArtifacts {
  readonly before: Artifact;
  readonly after: Artifact;
  readonly comparison: Comparison;
}

function contentOf(open: OpenArtifact): AnalysedContent {
  const { key, mime_type, bytes } = open.artifact;
  return { key, mimeType: mime_type, bytes, reader: open };
}

function hasSameContent(one: Artifact, other: Artifact): boolean {
  return one.sha256 === other.sha256 && one.bytes === other.bytes;
}

/** The name of a version in a diff. */
function nameOf({ bucket, key, version }: Artifact): string {
  return `${bucket}/${key} version ${version}`;
}

function stopped(wanted: PageAnalysis, { reason }: AnalysisStopped): ArtifactError {
  if (wanted.kind === "find" && wanted.regex && reason === "time") {
    const message = "The expression takes too long: it was stopped while it was tried on a line.";
    return new ArtifactError("invalid_argument", message, {
      next: "simplify_expression",
      details: { argument: "find" },
    });
  }
  const what = reason === "time" ? "takes too long" : "needs too much memory";
  return new ArtifactError("too_large", `This ${what} for content of that kind and size, and was stopped.`, {
    next: "look_at_less",
    details: { limit: reason },
  });
}
