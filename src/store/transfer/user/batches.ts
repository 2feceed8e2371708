export interface BatchLimits<Item> {
  readonly maxItems: number;
  readonly maxSize: number;
  sizeOf(item: Item): number;
}

/** Groups items in their order. An item that is larger than `maxSize` is a group of its own. */
export async function* batchesOf<Item>(
  items: AsyncIterable<Item>,
  { maxItems, maxSize, sizeOf }: BatchLimits<Item>,
): AsyncGenerator<Item[], void, undefined> {
  let batch: Item[] = [];
  let size = 0;
  for await (const item of items) {
    const own = sizeOf(item);
    if (batch.length >= maxItems || (batch.length > 0 && size + own > maxSize)) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(item);
    size += own;
  }
  if (batch.length > 0) yield batch;
}
