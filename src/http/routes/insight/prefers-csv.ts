/** Returns whether a client likes `text/csv` more than JSON (RFC 9110, section 12.5.1). */
export function prefersCsv(accept = ""): boolean {
  return qualityOf("text/csv", accept) > qualityOf("application/json", accept);
}

/** From 0, for a type that is not accepted, to 1. The most specific range of types counts. */
function qualityOf(type: string, accept: string): number {
  const [group = ""] = type.split("/");
  const ranges = accept.toLowerCase().split(",").map(readRange);
  const found = [type, `${group}/*`, "*/*"].map((name) => ranges.find((range) => range.name === name));
  return found.find((range) => range !== undefined)?.quality ?? 0;
}

function readRange(text: string): { readonly name: string; readonly quality: number } {
  const [name = "", ...parameters] = text.split(";").map((part) => part.trim());
  const [, quality = "1"] =
    parameters.map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)).find(Boolean) ?? [];
  return { name, quality: Number(quality) };
}
