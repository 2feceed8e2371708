import { type Artifact, toArtifact } from "../../model/artifact.js";
import { ArtifactError } from "../../model/errors.js";
import { lostFacts } from "../../model/previous-facts.js";
import { hasVersion, type Version } from "../../model/records.js";
import type { FreedPieces } from "../../pieces/freed-pieces.js";
import { noTransferUrls, type TransferUrls } from "../../ports/transfer-urls.js";
import type { ChangeSignal } from "../../publication/change-signal.js";
import { putOnTop, versionsOf } from "../../publication/key-versions.js";
import { logChange, logUnchanged } from "../../publication/log-change.js";
import { type Need, type Quota, type Reservation, storedIn } from "../../publication/quota.js";
import { type Change, type KeyRows, lastNumber } from "../../rows.js";
import { damaged } from "../open-artifact.js";
import {
  type CopiedArtifact,
  type CopyArtifact,
  type CopyPlan,
  type CopyRequest,
  checkCopy,
  planCopy,
} from "./copy-request.js";
import { StagedCopies, type StagedCopiesDependencies } from "./staged-copies.js";

export interface ArtifactCopyDependencies extends StagedCopiesDependencies {
  readonly freed: FreedPieces;
  readonly quota: Quota;
  readonly signal: ChangeSignal;
  readonly urls: TransferUrls;
  readonly keepVersions: number;
  readonly createdAt: (bucket: string) => number;
}

export interface CopyOptions {
  /** Ends a copy that takes long. Nothing is left of it then. */
  readonly signal?: AbortSignal | undefined;
}

/** The rows of both keys, and what follows from them. */
interface Seen extends CopyPlan {
  readonly source: KeyRows;
  readonly target: KeyRows;
}

/** Copies and moves artifacts inside the store. The engine copies the content; only pieces in rows are read. */
export class ArtifactCopy {
  readonly #dependencies: ArtifactCopyDependencies;

  constructor(dependencies: ArtifactCopyDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Publishes a version under another key, with its type and metadata. The copy does not expire. If the newest version
   * of the target is the same already, it makes no version and returns that one, marked `already_saved`. A version that is
   * named can be published under its own key again, on top of what came later.
   *
   * A move takes the source away in the same change. All versions come along as they are, under the next numbers of the
   * target, or only the newest one. When this resolves, the result survives power loss.
   *
   * @throws ArtifactError `artifact_not_found`, `version_conflict`, `storage_full`, `corrupt`; `invalid_argument` if
   * source and target are one key, and no version is named or it is a move. The reason of the signal if it was aborted
   */
  async run(wanted: CopyArtifact, { signal }: CopyOptions = {}): Promise<CopiedArtifact> {
    const request = await this.#withGuard(checkCopy(wanted), wanted);
    const reservation = this.#dependencies.quota.reserve();
    const staged = new StagedCopies(this.#dependencies, request.to, signal);
    try {
      for (;;) {
        const seen = await this.#look(request);
        if (seen.existing !== undefined) {
          await staged.abandon();
          logUnchanged(this.#dependencies.log, request.to.bucket, request.to.key, seen.existing);
          return { ...this.#show(request, seen.existing), already_saved: true };
        }
        if (!(await this.#stage(request, seen, staged, reservation))) continue;
        const done = await this.#publish(request, seen, staged);
        if (done !== undefined) {
          reservation.markUsed();
          return done;
        }
        if (!(await staged.isOpen())) throw tookTooLong();
      }
    } catch (error) {
      await staged.abandon();
      throw error;
    } finally {
      reservation.release();
    }
  }

  async #withGuard(request: CopyRequest, { ontoNewest = false }: CopyArtifact): Promise<CopyRequest> {
    if (!ontoNewest) return request;
    const target = await this.#dependencies.rows.liveArtifact(request.to.bucket, request.to.key);
    const { version, edit } = target?.value.versions[0] ?? { version: 0 };
    return { ...request, guard: { if_version: version, if_edit: edit } };
  }

  async #look(request: CopyRequest): Promise<Seen> {
    const { rows, nowSeconds, keepVersions } = this.#dependencies;
    const { from, to, isSameKey } = request;
    const source = await rows.ofKey(from.bucket, from.key);
    const target = isSameKey ? source : await rows.ofKey(to.bucket, to.key);
    return { source, target, ...planCopy(request, source, target, { nowSeconds: nowSeconds(), keepVersions }) };
  }

  /** Copies what is not copied yet. Returns false if a version was deleted meanwhile. @throws ArtifactError `corrupt` */
  async #stage(
    request: CopyRequest,
    { taken }: Seen,
    staged: StagedCopies,
    reservation: Reservation,
  ): Promise<boolean> {
    for (const version of taken) {
      if (staged.has(version)) continue;
      await reservation.grow(roomFor(request, version.bytes));
      if (await staged.add(version)) continue;
      // A piece is gone. If the row still has the version, the piece was lost; else the version was deleted.
      const { bucket, key } = request.from;
      const now = await this.#dependencies.rows.artifact(bucket, key);
      if (hasVersion(now, version)) throw damaged(toArtifact(bucket, key, version, noTransferUrls));
      return false;
    }
    return true;
  }

  /** Tries once, from the rows as they were seen. Undefined if one of them has changed meanwhile. */
  async #publish(request: CopyRequest, seen: Seen, staged: StagedCopies): Promise<CopiedArtifact | undefined> {
    const { rows, freed, signal, keepVersions } = this.#dependencies;
    const { from, to, isMove, isSameKey, sourceGuard } = request;
    const { source, target, taken } = seen;
    const change = rows.begin();
    const made = this.#made(request, seen, staged, change);
    const [newest] = made;
    if (newest === undefined) throw new Error("a copy takes no version");
    const dropped = putOnTop(change, { ...to, rows: target }, made, keepVersions);
    const gone = isMove ? versionsOf(source) : [];
    if (isMove) change.versions(from.bucket, from.key, source, { last: lastNumber(source), versions: [] });
    else if (sourceGuard.if_version !== undefined && !isSameKey) change.compareVersions(from.bucket, from.key, source);
    const unused = { session: staged.id, pieces: staged.besides(taken) };
    const freedRow = change.free([...gone, ...dropped, unused]);
    if (!(await staged.commit(change, newest))) return undefined;
    this.#log(request, taken, made, dropped.length + (isMove ? gone.length - taken.length : 0));
    signal.announce();
    await freed.remove(freedRow);
    this.#countFreed(request, { taken, gone, dropped });
    const lost = lostFacts(versionsOf(target), newest, this.#dependencies.nowSeconds());
    return { ...this.#show(request, newest), ...lost, ...(isMove ? { moved_versions: made.length } : {}) };
  }

  /** What was moved is in its new place. It has needed no room, except in another bucket. */
  #countFreed(
    { from, to, isMove }: CopyRequest,
    { taken, gone, dropped }: Readonly<Record<"taken" | "gone" | "dropped", readonly Version[]>>,
  ): void {
    const { quota } = this.#dependencies;
    const moved = isMove ? bytesIn(taken) : 0;
    const inSource = bytesIn(gone) - (from.bucket === to.bucket ? moved : 0);
    quota.freed({ storedBytes: bytesIn(gone) - moved, inBucket: { bucket: from.bucket, bytes: inSource } });
    quota.freed(storedIn(to.bucket, bytesIn(dropped)));
  }

  #log(
    { from, to, isMove, saved_by: by }: CopyRequest,
    [first]: readonly Version[],
    versions: Version[],
    removed: number,
  ) {
    const source = first && { ...from, version: first.version };
    logChange(this.#dependencies.log, isMove ? "moved" : "copied", { ...to, versions, by, from: source, removed });
  }

  /** The versions as the target gets them. Their pieces in rows are put with the change. */
  #made(
    { isMove, saved_by, to }: CopyRequest,
    { target, taken }: Seen,
    staged: StagedCopies,
    change: Change,
  ): Version[] {
    const first = lastNumber(target) + 1;
    return taken.map((version, newer) => {
      const { pieces, bytes } = staged.of(version);
      for (const piece of pieces) if (bytes !== undefined) change.putPiece(staged.id, piece, bytes);
      const facts = isMove ? moved(version) : copied(version, this.#dependencies.createdAt(to.bucket), saved_by);
      return { ...facts, version: first + taken.length - 1 - newer, session: staged.id, pieces: [...pieces] };
    });
  }

  #show({ to: { bucket, key } }: CopyRequest, version: Version): Artifact {
    return toArtifact(bucket, key, version, this.#dependencies.urls);
  }
}

/** An idempotency key stays behind: it belongs to a request for the other key. */
function moved({ idempotency_keys: _, ...version }: Version): Version {
  return version;
}

function copied({ version, session, pieces, mime_type, bytes, sha256, metadata }: Version, now: number, by?: string) {
  const facts = { version, session, pieces, mime_type, bytes, sha256, metadata, created_at: now };
  return by === undefined ? facts : { ...facts, saved_by: by };
}

/** What is moved leaves its old place in the change that makes the new one, so it needs room only in another bucket. */
function roomFor({ from, to, isMove }: CopyRequest, bytes: number): Need {
  if (!isMove) return storedIn(to.bucket, bytes);
  return from.bucket === to.bucket ? {} : { inBucket: { bucket: to.bucket, bytes } };
}

const bytesIn = (versions: readonly Version[]): number => versions.reduce((sum, { bytes }) => sum + bytes, 0);

function tookTooLong(): ArtifactError {
  const message = "Copying took too long and was given up. Nothing was changed.";
  return new ArtifactError("internal", message, { next: "call_again" });
}
