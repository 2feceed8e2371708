import { createSeekingReader, type SequentialReader } from "../../formats/sequential-reader.js";
import { viewOf } from "../../formats/view-of.js";
import type { Run, Source } from "../../source.js";
import { Damage } from "../damage.js";

/** The time limit was reached inside of the header. */
export class TimeIsOver extends Error {
  override readonly name = "TimeIsOver";
}

/** Longer texts, such as templates of prompts, are read to this length and then skipped. */
const maxTextBytes = 1024;
/** Arrays of arrays of arrays are not in use, but allowed. */
const maxArrayDepth = 8;

/** Reads the values of a GGUF file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Each method throws `Damage`. */
export class GgufReader {
  readonly #reader: SequentialReader;
  readonly #run: Run;
  #isLittle = true;
  #version = 0;

  constructor(source: Source, run: Run) {
    this.#reader = createSeekingReader(source);
    this.#run = run;
  }

  /** Bytes read or skipped. */
  get position(): number {
    return this.#reader.position;
  }

  /** Reads the signature and the version. */
  async start(): Promise<void> {
    await this.#take(4);
    const version = await this.#take(4);
    this.#isLittle = version.getUint16(0, true) !== 0; // small numbers in either order of bytes
    this.#version = version.getUint32(0, this.#isLittle);
    if (this.#version < 1 || this.#version > 3) throw new Damage(`Version ${this.#version} of GGUF is not known.`);
  }

  /** A number of 32 bits. */
  async short(): Promise<number> {
    return (await this.#take(4)).getUint32(0, this.#isLittle);
  }

  /** A number of 64 bits. It may be rounded. */
  async long(): Promise<number> {
    return Number((await this.#take(8)).getBigUint64(0, this.#isLittle));
  }

  /** The length of something: 64 bits since version 2. */
  async count(): Promise<number> {
    return this.#version === 1 ? this.short() : this.long();
  }

  /** A text; only its beginning if it is long. */
  async text(): Promise<string> {
    const length = await this.count();
    const kept = await this.#reader.take(Math.min(length, maxTextBytes));
    const text = Buffer.from(kept).toString("utf8");
    await this.#skip(length - kept.length);
    return text;
  }

  /** A value of metadata. An array is summed up as text. */
  async value(): Promise<string> {
    return this.#valueOf(await this.short());
  }

  async #valueOf(type: number): Promise<string> {
    if (type === textType) return this.text();
    if (type === arrayType) return this.#array(1);
    const { bytes, read } = typeAt(type);
    return String(read(await this.#take(bytes), this.#isLittle));
  }

  async #array(depth: number): Promise<string> {
    if (depth > maxArrayDepth) throw new Damage(`An array is nested deeper than ${maxArrayDepth} levels.`);
    const type = await this.short();
    const length = await this.count();
    if (type === textType) {
      for (let index = 0; index < length; index += 1) await this.#skip(await this.count());
      return `array of ${length} strings`;
    }
    if (type === arrayType) {
      for (let index = 0; index < length; index += 1) await this.#array(depth + 1);
      return `array of ${length} arrays`;
    }
    const { bytes, name } = typeAt(type);
    await this.#skip(length * bytes);
    return `array of ${length} ${name} values`;
  }

  async #take(length: number): Promise<DataView> {
    this.#checkTime();
    const bytes = await this.#reader.take(length);
    if (bytes.length < length) throw this.#breaksOff();
    return viewOf(bytes);
  }

  async #skip(length: number): Promise<void> {
    const skipped = await this.#reader.skip(length, () => this.#run.isOver());
    if (skipped < length) throw this.#breaksOff();
  }

  #checkTime(): void {
    if (this.#run.isOver()) throw new TimeIsOver();
  }

  #breaksOff(): Damage {
    return new Damage(`The header breaks off at byte ${this.#reader.position}.`);
  }
}

interface ValueType {
  readonly name: string;
  readonly bytes: number;
  readonly read: (view: DataView, isLittle: boolean) => number | bigint | boolean;
}

const textType = 8;
const arrayType = 9;

/** By their numbers in the file. */
const valueTypes: readonly (ValueType | undefined)[] = [
  { name: "uint8", bytes: 1, read: (view) => view.getUint8(0) },
  { name: "int8", bytes: 1, read: (view) => view.getInt8(0) },
  { name: "uint16", bytes: 2, read: (view, isLittle) => view.getUint16(0, isLittle) },
  { name: "int16", bytes: 2, read: (view, isLittle) => view.getInt16(0, isLittle) },
  { name: "uint32", bytes: 4, read: (view, isLittle) => view.getUint32(0, isLittle) },
  { name: "int32", bytes: 4, read: (view, isLittle) => view.getInt32(0, isLittle) },
  { name: "float32", bytes: 4, read: (view, isLittle) => rounded(view.getFloat32(0, isLittle)) },
  { name: "bool", bytes: 1, read: (view) => view.getUint8(0) !== 0 },
  undefined,
  undefined,
  { name: "uint64", bytes: 8, read: (view, isLittle) => view.getBigUint64(0, isLittle) },
  { name: "int64", bytes: 8, read: (view, isLittle) => view.getBigInt64(0, isLittle) },
  { name: "float64", bytes: 8, read: (view, isLittle) => view.getFloat64(0, isLittle) },
];

/** The digits that a float of 32 bits has: 1e-5 and not 0.000009999999747378752. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}

function typeAt(type: number): ValueType {
  const found = valueTypes[type];
  if (found === undefined) throw new Damage(`A value has the type ${type}, which GGUF does not have.`);
  return found;
}
