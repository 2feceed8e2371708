import { count } from "../../../store/model/count.js";
import type { PartialReason, TensorsDescription } from "../../../store/ports/description.js";
import { type Run, type Source, timeIsOver } from "../../source.js";
import { Damage, damageOf } from "../damage.js";
import { GgufReader, TimeIsOver } from "./gguf-reader.js";
import { TensorList } from "./tensor-list.js";

/** The tensors and the metadata of a GGUF file, by its header. */
export async function describeGguf(
  source: Source,
  run: Run,
): Promise<{ tensors: TensorsDescription; partial?: PartialReason }> {
  const list = new TensorList();
  try {
    await readHeader(source, new GgufReader(source, run), list);
    return { tensors: list.facts() };
  } catch (error) {
    const partial = error instanceof TimeIsOver ? timeIsOver(count(list.tensors, "tensor")) : damageOf(error);
    return { tensors: list.facts(), partial };
  }
}

const maxDimensions = 8;

async function readHeader(source: Source, reader: GgufReader, list: TensorList): Promise<void> {
  await reader.start();
  const tensors = await reader.count();
  const entries = await reader.count();
  // The counts may lie: the end of the content ends the loops.
  for (let index = 0; index < entries; index += 1) list.addMetadata(await reader.text(), await reader.value());
  let lastOffset = 0;
  for (let index = 0; index < tensors; index += 1) {
    const name = await reader.text();
    const dimensions = await reader.short();
    if (dimensions > maxDimensions)
      throw new Damage(`A tensor has ${dimensions} dimensions, after ${count(index, "tensor")}.`);
    const shape: number[] = [];
    for (let at = 0; at < dimensions; at += 1) shape.push(await reader.count());
    const type = await reader.short();
    lastOffset = Math.max(lastOffset, await reader.long());
    list.add(name, tensorTypes[type] ?? `type ${type}`, shape);
  }
  // Offsets count from the end of the header. How many bytes the last tensor has is not looked at.
  const missing = reader.position + lastOffset - source.bytes;
  if (missing > 0) throw new Damage(`The content breaks off: the tensors lack at least ${count(missing, "byte")}.`);
}

/** By their numbers in the file: `enum ggml_type`. Empty places are types that were removed. */
const tensorTypes: readonly (string | undefined)[] = [
  ...["F32", "F16", "Q4_0", "Q4_1", undefined, undefined, "Q5_0", "Q5_1", "Q8_0", "Q8_1"],
  ...["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S"],
  ...["IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M"],
  ...["BF16", undefined, undefined, undefined, "TQ1_0", "TQ2_0", undefined, undefined, undefined, "MXFP4"],
];
