import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Time between two looks at the memory, in milliseconds. A look takes less than a microsecond. */
const lookEveryMs = 5;

/** Watches the memory of the thread that it is made in: the heap, and buffers, which the heap's limit does not count. */
export class AnalysisMemory {
  readonly #collectGarbage = garbageCollector();
  #lastLook = 0;

  /** Whether more than this is in use. Garbage does not count. */
  isOver(bytes: number, now: number): boolean {
    if (now - this.#lastLook < lookEveryMs) return false;
    this.#lastLook = now;
    if (usedBytes() <= bytes) return false;
    this.#collectGarbage?.();
    return usedBytes() > bytes;
  }
}

function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** V8's own collector. It is hidden, unless this flag is set when a context is made. Without it garbage counts too. */
function garbageCollector(): (() => void) | undefined {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  setFlagsFromString("--no-expose-gc");
  return typeof collect === "function" ? () => collect() : undefined;
}
