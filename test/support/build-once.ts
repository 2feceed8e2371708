import { bundle } from "../../scripts/build.mjs";

/** Builds the bundle from the current sources, because the end-to-end tests run the bundle. */
export async function setup(): Promise<void> {
  await bundle();
}
