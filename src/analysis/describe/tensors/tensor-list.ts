import type { TensorsDescription } from "../../../store/ports/description.js";
import { shorten } from "../shorten.js";

const maxListed = 100;
const maxDimensions = 16;
const maxMetadata = 50;
const maxNameChars = 200;
const maxValueChars = 200;

/** Counts the tensors of a file, and keeps the first ones and the first entries of its metadata. */
export class TensorList {
  #tensors = 0;
  #parameters = 0;
  readonly #list: { name: string; type: string; shape: readonly number[] }[] = [];
  readonly #metadata = new Map<string, string>();

  get tensors(): number {
    return this.#tensors;
  }

  add(name: string, type: string, shape: readonly number[]): void {
    this.#tensors += 1;
    const sizes = shape.map((size) => Math.min(size, Number.MAX_SAFE_INTEGER));
    const values = sizes.reduce((product, size) => Math.min(product * size, Number.MAX_SAFE_INTEGER), 1);
    this.#parameters = Math.min(this.#parameters + values, Number.MAX_SAFE_INTEGER);
    if (this.#list.length >= maxListed) return;
    this.#list.push({
      name: shorten(name, maxNameChars),
      type: shorten(type, maxNameChars),
      shape: sizes.slice(0, maxDimensions),
    });
  }

  addMetadata(name: string, value: string): void {
    if (this.#metadata.size < maxMetadata)
      this.#metadata.set(shorten(name, maxNameChars), shorten(value, maxValueChars));
  }

  facts(): TensorsDescription {
    return {
      tensors: this.#tensors,
      parameters: this.#parameters,
      list: [...this.#list],
      metadata: Object.fromEntries(this.#metadata),
    };
  }
}
