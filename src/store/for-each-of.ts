/**
 * Runs `work` on each item, on at most `width` at once. After a failure it begins no other item. It ends when all work
 * that it has begun has ended.
 *
 * @throws the first error of `work`
 */
export async function forEachOf<Item>(
  items: Iterable<Item>,
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;
  async function worker(): Promise<void> {
    for (let next = waiting.next(); failure === undefined && next.done !== true; next = waiting.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
    }
  }
  await Promise.all(Array.from({ length: width }, worker));
  if (failure !== undefined) throw failure.error;
}
