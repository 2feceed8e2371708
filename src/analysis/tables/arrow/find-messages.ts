import type { Run } from "../../source.js";
import type { FailingSource } from "../read-failure.js";
import { Unreadable } from "../unreadable.js";
import { type FooterBlock, readFooter } from "./footer.js";
import { type ArrowMessage, type FoundMessage, magic, messageAt, numberOf, textAt } from "./messages.js";

/** What a content has. */
export interface ArrowMessages {
  /** Dictionaries may follow the batches that need them. */
  readonly isFile: boolean;
  /** The metadata of a message with the schema. */
  readonly schema: Uint8Array;
  readonly messages: readonly ArrowMessage[];
  /** Why there may be more messages. */
  readonly fault: unknown;
}

/** Where messages are looked for. */
interface Place {
  readonly isFile: boolean;
  readonly start: number;
  readonly end: number;
  readonly schema?: Uint8Array;
  /** Where the messages begin, if a footer says it. Else they follow each other. */
  readonly blocks?: readonly FooterBlock[];
  /** Why there may be more. */
  readonly fault?: unknown;
}

const mostMessages = 100_000;
/** Some writers align the messages of a file to this, with zeros between them. */
const largestAlignment = 64;

/**
 * Finds the messages of a content in Arrow's stream format, or in its file format: messages between a magic number and a
 * footer that says where they are. Bodies are not read. https://arrow.apache.org/docs/format/Columnar.html
 *
 * @throws Unreadable, or an error of the library, if there is no schema; the errors of the source
 */
export async function findMessages(source: FailingSource, run: Run): Promise<ArrowMessages> {
  const begin = textAt(await source.read(0, magic.length));
  if (begin.startsWith("FEA1")) throw new Unreadable("It is a Feather file of version 1.", "unsupported");
  const isFile = begin === magic;
  return findIn(source, run, isFile ? await placeInFile(source) : { isFile, start: 0, end: source.bytes });
}

/** Not every writer puts a stream into its files, so the footer counts. Without one the messages may be found all the same. */
async function placeInFile(source: FailingSource): Promise<Place> {
  const file = { isFile: true, start: 8, end: source.bytes };
  try {
    return { ...file, ...(await readFooter(source)) };
  } catch (error) {
    const fault = source.failureOr(error);
    if (fault instanceof Unreadable && fault.reason !== "damaged") throw fault;
    return { ...file, fault };
  }
}

async function findIn(source: FailingSource, run: Run, place: Place): Promise<ArrowMessages> {
  const messages: ArrowMessage[] = [];
  let { schema, fault } = place;
  let rows = 0;
  try {
    for await (const { kind, metadata, ...message } of foundIn(source, run, place)) {
      if (kind === "schema") schema ??= metadata;
      if (schema === undefined) throw new Unreadable("It does not begin with a schema.");
      if (kind !== "batch" && kind !== "dictionary") continue;
      if (messages.length >= mostMessages) throw new Unreadable(`It has more than ${mostMessages} batches.`, "size");
      rows = numberOf(BigInt(rows + message.rows));
      messages.push({ ...message, kind });
    }
  } catch (error) {
    fault = source.failureOr(error);
  }
  if (schema === undefined) throw place.fault ?? fault ?? new Unreadable("It has no schema.");
  return { isFile: place.isFile, schema, messages, fault };
}

async function* foundIn(source: FailingSource, run: Run, place: Place): AsyncGenerator<FoundMessage> {
  for await (const message of place.blocks ? listed(source, place) : following(source, place)) {
    yield message;
    if (run.isOver()) throw new Unreadable("The time limit was reached.", "time");
  }
}

/** The messages that the footer lists. */
async function* listed(source: FailingSource, { blocks = [], end }: Place): AsyncGenerator<FoundMessage> {
  for (const { kind, start } of blocks) {
    const message = await messageAt(source, start, end);
    if (message?.kind !== kind) throw new Unreadable("Its footer names a message that is not there.");
    yield message;
  }
}

async function* following(source: FailingSource, { isFile, start, end }: Place): AsyncGenerator<FoundMessage> {
  for (let at = start; at < end; ) {
    const message = await messageAt(source, at, end);
    if (message !== undefined) {
      yield message;
      at += message.prefix + message.metadataBytes + message.bodyBytes;
    } else if (isFile && at % largestAlignment !== 0) at = Math.ceil(at / largestAlignment) * largestAlignment;
    else return;
  }
}
