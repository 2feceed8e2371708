import { bundle } from "../../scripts/build.mjs";

/** The end-to-end tests run what is built, so it is built from what is there. */
export async function setup(): Promise<void> {
  await bundle();
}
