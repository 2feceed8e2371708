/**
 * Runs `work` on each item, on at most `width` at once. After a failure it begins no other item. It ends when all work
 * that it has begun has ended.
 *
 * @throws the first error of `work`, or of `items`
 */
export async function forEachOf<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  async function worker(): Promise<void> {
    while (failure === undefined) {
      try {
        const next = await waiting.next();
        if (next.done === true) return;
        if (failure === undefined) await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  }
  await Promise.all(Array.from({ length: width }, worker));
  if (failure === undefined) return;
  await waiting.return?.();
  throw failure.error;
}
