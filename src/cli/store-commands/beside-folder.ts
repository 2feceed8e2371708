import type { Artifact } from "../../store/model/artifact.js";
import { addressOf } from "./address.js";
import type { StoreCommandContext } from "./store-command.js";

/** Says so if a new artifact has the name of a folder: the person may have meant a place in it. */
export async function warnBesideFolder(
  { store, terminal }: Pick<StoreCommandContext, "store" | "terminal">,
  { bucket, key, version, already_saved }: Artifact,
): Promise<void> {
  if (version > 1 || already_saved) return;
  const { data } = await store.artifacts.list({ bucket, prefix: `${key}/`, limit: 1 });
  if (data.length === 0) return;
  const place = addressOf({ bucket, key });
  terminal.problem(
    `${place} lies beside the folder ${bucket}/${key}/: a slash at the end, ${bucket}/${key}/, puts it inside`,
  );
}
