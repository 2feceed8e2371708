import { JSONParser, TokenType } from "@streamparser/json";
import { count } from "../../../store/model/count.js";
import type { PartialReason, TensorsDescription } from "../../../store/ports/description.js";
import { createSeekingReader } from "../../formats/sequential-reader.js";
import { viewOf } from "../../formats/view-of.js";
import { type Run, type Source, timeIsOver } from "../../source.js";
import { Damage, damageOf } from "../damage.js";
import { TensorList } from "./tensor-list.js";

/** Headers of the largest models have a few MiB. */
const maxHeaderBytes = 32 * 1024 * 1024;
const partBytes = 64 * 1024;
/** The header is an object of objects with arrays. */
const maxDepth = 3;

/** The tensors of a safetensors file, by its JSON header: https://github.com/huggingface/safetensors#format. */
export async function describeSafetensors(
  source: Source,
  run: Run,
): Promise<{ tensors: TensorsDescription; partial?: PartialReason }> {
  const list = new TensorList();
  const partial = await readHeader(source, list, run).catch(damageOf);
  return { tensors: list.facts(), ...(partial && { partial }) };
}

async function readHeader(source: Source, list: TensorList, run: Run): Promise<PartialReason | undefined> {
  const reader = createSeekingReader(source);
  const start = await reader.take(8);
  if (start.length < 8) throw new Damage("The content ends before its header.");
  const headerBytes = Number(viewOf(start).getBigUint64(0, true));
  if (headerBytes > source.bytes - 8) {
    throw new Damage(`The header is said to have ${headerBytes} bytes, and the content has ${source.bytes} in all.`);
  }
  if (headerBytes > maxHeaderBytes) {
    return { reason: "size", message: `The header has ${headerBytes} bytes, and at most ${maxHeaderBytes} are read.` };
  }
  const header = new HeaderParser(list);
  for (let missing = headerBytes; missing > 0; ) {
    if (run.isOver()) return timeIsOver(count(list.tensors, "tensor"));
    const part = await reader.take(Math.min(partBytes, missing));
    if (part.length === 0) throw new Damage("The content ends inside its header.");
    run.report({ tensors: list.facts() }); // the parser may need too much memory
    header.write(part);
    missing -= part.length;
  }
  header.end();
  const missing = 8 + headerBytes + header.dataBytes - source.bytes;
  if (missing > 0) throw new Damage(`The content breaks off: the tensors lack ${count(missing, "byte")}.`);
  return undefined;
}

class HeaderParser {
  /** Bytes of the tensors, as their offsets say. */
  dataBytes = 0;
  readonly #list: TensorList;
  readonly #parser = new JSONParser({ paths: ["$.*"], keepStack: false });
  #depth = 0;

  constructor(list: TensorList) {
    this.#list = list;
    this.#parser.onToken = ({ token }) => this.#count(token);
    this.#parser.onValue = ({ key, value }) => this.#add(String(key), value);
  }

  /** @throws Damage */
  write(part: Uint8Array): void {
    this.#try(() => this.#parser.write(part));
  }

  /** @throws Damage */
  end(): void {
    if (!this.#parser.isEnded) this.#try(() => this.#parser.end());
  }

  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (error instanceof Damage) throw error;
      throw new Damage(`The header is no valid JSON after ${count(this.#list.tensors, "tensor")}.`, { cause: error });
    }
  }

  /** The parser would keep a value that is nested without end. */
  #count(token: TokenType): void {
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) this.#depth += 1;
    if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) this.#depth -= 1;
    if (this.#depth > maxDepth) throw new Damage(`The header is nested deeper than ${maxDepth} levels.`);
  }

  #add(name: string, value: unknown): void {
    if (typeof value !== "object" || value === null) throw new Damage("The header has a member that is no tensor.");
    if (name === "__metadata__") {
      for (const [key, text] of Object.entries(value)) this.#list.addMetadata(key, textOf(text));
      return;
    }
    const { dtype, shape, data_offsets } = value as Readonly<Record<string, unknown>>;
    if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(data_offsets)) {
      throw new Damage(`A tensor has no valid type, shape and offsets, after ${count(this.#list.tensors, "tensor")}.`);
    }
    this.#list.add(name, dtype, shape);
    this.dataBytes = Math.max(this.dataBytes, data_offsets[1] ?? 0);
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
