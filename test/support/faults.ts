import { ArtifactError } from "../../src/store/model/errors.js";
import type { ByteReader, ContentStore, PieceWriter } from "../../src/store/ports/content-store.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";

/** Thrown by every step of a process that has died: nothing it does reaches the engines any more. */
export class Dead extends Error {}

export interface Engines {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
}

export interface Mortal extends Engines {
  /** Steps taken so far. */
  readonly steps: () => number;
}

/**
 * A process's view of shared engines that dies before step `lastStep` (or right after the step took effect, where
 * `after` is true): that call and all that follow fail and do nothing.
 */
export function mortal(engines: Engines, lastStep: number, after: boolean): Mortal {
  let steps = 0;
  async function step<Result>(act: () => Promise<Result>): Promise<Result> {
    steps += 1;
    if (steps > lastStep || (steps === lastStep && !after)) throw new Dead(`dead at step ${steps}`);
    const result = await act();
    if (steps >= lastStep) throw new Dead(`dead behind step ${steps}`);
    return result;
  }
  return { ...stepwise(engines, step), steps: () => steps };
}

/**
 * A process's view of shared engines whose step `failing` fails with `error`, behind its effect or (`isBefore`) in
 * place of it; the others go on.
 */
export function failOnce(
  engines: Engines,
  failing: number,
  error = new ArtifactError("internal", `step ${failing} failed`),
  isBefore = false,
): Mortal {
  let steps = 0;
  async function step<Result>(act: () => Promise<Result>): Promise<Result> {
    steps += 1;
    const isFailing = steps === failing;
    if (isFailing && isBefore) throw error;
    const result = await act();
    if (isFailing) throw error;
    return result;
  }
  return { ...stepwise(engines, step), steps: () => steps };
}

/** Makes a call of an engine, or does not. `name` is the method's; the values are for telling calls apart. */
export type Step = <Result>(act: () => Promise<Result>, name: string, values: readonly unknown[]) => Promise<Result>;

/** The same engines with each method a step; what one returns to be used further is wrapped in turn. */
export function stepwise(engines: Engines, step: Step): Engines {
  function wrap<Port extends object>(port: Port): Port {
    const wrapped = Object.entries(port).map(([name, value]) => {
      if (typeof value !== "function" || isPure(name)) return [name, value];
      const call = async (...values: unknown[]) => wrapResult(await value.apply(port, values));
      return [name, (...values: unknown[]) => step(() => call(...values), name, values)];
    });
    return Object.fromEntries(wrapped) as Port;
  }
  function wrapResult(result: unknown): unknown {
    return isHandle(result) ? wrap(result) : result;
  }
  return { metadata: wrap(engines.metadata), content: wrap(engines.content) };
}

/** These say what a name follows from, and ask nobody. */
function isPure(name: string): boolean {
  return name === "shardOf" || name === "pathOf";
}

function isHandle(value: unknown): value is PieceWriter | ByteReader {
  return typeof value === "object" && value !== null && "close" in value && typeof value.close === "function";
}
