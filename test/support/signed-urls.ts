import type { HttpClient } from "./http-client.js";
import { saveText } from "./stores.js";

/** Creates an upload session in the bucket `b`, and returns its upload URL. */
export async function uploadUrl({ store }: HttpClient, key = "k"): Promise<string> {
  return (await store.uploads.create({ bucket: "b", key, size: 5 })).url;
}

/** Saves an artifact in the bucket `b`, and returns its download URL. */
export async function downloadUrl({ store }: HttpClient, key = "k", text = "hello"): Promise<string> {
  const { url = "" } = await saveText(store, "b", key, text);
  return url;
}
