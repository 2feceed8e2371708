import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Time between two looks at the memory, in milliseconds. A look takes less than a microsecond. */
const lookEveryMs = 5;
/** After garbage was collected, the next look comes after this many times the time that it took. */
const collectionRest = 4;

/** Watches the memory of the thread that it is made in: the heap, and buffers, which the heap's limit does not count. */
export class AnalysisMemory {
  readonly #collectGarbage = garbageCollector();
  #nextLook = 0;

  /** Whether more than this is in use, if it is time to look. Garbage does not count. */
  isOver(bytes: number, now: number): boolean {
    if (now < this.#nextLook) return false;
    this.#nextLook = now + lookEveryMs;
    if (usedBytes() <= bytes) return false;
    this.#collectGarbage();
    const end = performance.now();
    this.#nextLook = end + Math.max(lookEveryMs, collectionRest * (end - now));
    return usedBytes() > bytes;
  }
}

function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** V8's own collector, which is hidden, unless this flag is set when a context is made. Without it garbage counts too. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect !== "function") return () => undefined;
  return () => {
    collect();
    collect(); // the first one frees buffers in the background; the second one waits for that
  };
}
