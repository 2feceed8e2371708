import { gate } from "./gate.js";
import { bytesOf, createMemoryEngines, noRowPieces, storeOn } from "./stores.js";

export interface SlowPublication {
  readonly sha256?: string;
  /** If a size is given, the first piece that the store creates waits too. */
  readonly size?: number;
  /** Runs before stored bytes are read, which then need not wait for the publication. */
  readonly beforeRead?: () => Promise<void>;
}

/** A store whose publications wait for `letGo`, and an upload in it that has the bytes `abc`. */
export async function openSlowPublication({ sha256, size, beforeRead }: SlowPublication = {}) {
  const engines = createMemoryEngines();
  const publication = gate();
  const bytes = gate();
  let hasRead = false;
  const content = {
    ...engines.content,
    // Another process wrote the piece, so this one reads it for the digest. That is the step that takes long.
    // Later reads are those of tails, which do not wait.
    openPiece: async (...values: Parameters<typeof engines.content.openPiece>) => {
      const isFirst = !hasRead;
      hasRead = true;
      if (beforeRead !== undefined) await beforeRead();
      else if (isFirst) await publication.passed;
      return engines.content.openPiece(...values);
    },
    createPiece: async (session: string, start: number) => {
      if (size !== undefined) await bytes.passed;
      return engines.content.createPiece(session, start);
    },
  };
  const change: typeof engines.metadata.change = async (rows, pieces) => {
    if (rows.some(({ key }) => key.startsWith("artifact\t"))) await publication.passed;
    return engines.metadata.change(rows, pieces);
  };
  const other = storeOn(engines, { pieceLimits: noRowPieces });
  const { id } = await other.uploads.create({ bucket: "b", key: "k", sha256, size });
  await other.uploads.append(id, 0, bytesOf("abc"));
  const store = storeOn({ metadata: { ...engines.metadata, change }, content }, { pieceLimits: noRowPieces });
  return { store, id, letGo: publication.open, appended: bytes.open };
}
