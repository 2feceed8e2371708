import { ArtifactError } from "../../src/store/model/errors.js";
import type { ByteReader, ContentStore, PieceWriter } from "../../src/store/ports/content-store.js";
import type { MetadataStore } from "../../src/store/ports/metadata-store.js";

/** The error of every step of a process that has died. Nothing that it does reaches the engines any more. */
export class Dead extends Error {}

export interface Engines {
  readonly metadata: MetadataStore;
  readonly content: ContentStore;
}

export interface Mortal extends Engines {
  /** The number of steps taken so far. */
  readonly steps: () => number;
}

/**
 * The view that one process has of shared engines. The process dies before step `lastStep` or, if `after` is true,
 * right after the effect of that step. This call and all later calls fail, and later calls do nothing.
 */
export function mortal(engines: Engines, lastStep: number, after: boolean): Mortal {
  let steps = 0;
  async function step<Result>(act: () => Promise<Result>): Promise<Result> {
    steps += 1;
    if (steps > lastStep || (steps === lastStep && !after)) throw new Dead(`dead at step ${steps}`);
    const result = await act();
    if (steps >= lastStep) throw new Dead(`dead after step ${steps}`);
    return result;
  }
  return { ...stepwise(engines, step), steps: () => steps };
}

/**
 * The view that one process has of shared engines. Step `failing` fails with `error`: after its effect or, if
 * `isBefore` is true, without its effect. All other steps work.
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

/** Makes a call to an engine, or does not make it. `name` is the method's name; `values` are its arguments. */
export type Step = <Result>(act: () => Promise<Result>, name: string, values: readonly unknown[]) => Promise<Result>;

/** The same engines, with each method call as a step. The methods of returned readers and writers are steps too. */
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

/** These methods only compute a name, and make no call to an engine. */
function isPure(name: string): boolean {
  return name === "shardOf" || name === "pathOf";
}

function isHandle(value: unknown): value is PieceWriter | ByteReader {
  return typeof value === "object" && value !== null && "close" in value && typeof value.close === "function";
}
