import type { StoreOptions } from "../../src/store/store.js";
import type { CreateUpload } from "../../src/store/uploads/new-session.js";
import type { AppendStreamOptions } from "../../src/store/uploads/uploads.js";
import { createPipe, sourceOf } from "./sources.js";
import { bytesOf, createMemoryEngines, storeOn } from "./stores.js";

/** An upload of `k.txt` whose first bytes are `text`, with helpers for tests. */
export async function begunUpload(
  text: string,
  upload: Partial<CreateUpload> = {},
  options: Partial<StoreOptions> = {},
) {
  const engines = createMemoryEngines();
  const store = storeOn(engines, options);
  const { id } = await store.uploads.create({ bucket: "b", key: "k.txt", ...upload });
  if (text !== "") await store.uploads.append(id, 0, bytesOf(text));
  const { uploads } = store;
  return {
    engines,
    store,
    uploads,
    id,
    stream: (texts: readonly string[], how?: AppendStreamOptions) =>
      uploads.appendStream(id, sourceOf(...texts.map(bytesOf)), how),
    /** Begins a stream that runs while the test does other things. */
    running(how?: AppendStreamOptions) {
      const pipe = createPipe();
      const result = uploads.appendStream(id, pipe, how);
      result.catch(() => undefined); // the test looks at it later
      return { ...pipe, result };
    },
    /** The uploads as another process sees them, on the same engines. */
    another: () => storeOn(engines, options).uploads,
  };
}
