import { hostExamples } from "./host-examples.js";
import { optionsPage } from "./options-page.js";

/** Returns all files that `npm run docs` writes. Paths are relative to the checkout. */
export function generatedPages(): { readonly path: string; readonly text: string }[] {
  return [{ path: "docs/options.md", text: optionsPage() }, ...hostExamples()];
}
