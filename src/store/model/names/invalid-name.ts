import { ArtifactError } from "../errors.js";
import { maxQuotedChars, quote } from "../quote.js";

/**
 * The error for a name that breaks a rule. For the optional `prefix` and `delimiter` it says that they can be left out.
 */
export function invalidName(
  argument: "bucket" | "key" | "prefix" | "delimiter",
  text: string,
  problem: string,
  suggestion: string | undefined,
): ArtifactError {
  const isOptional = argument === "prefix" || argument === "delimiter";
  const message = `${argument} ${quote(text)} is not valid: ${problem}${isOptional ? ", or leave it out" : ""}.`;
  if (suggestion === undefined) return new ArtifactError("invalid_argument", message, { details: { argument } });
  // A shortened suggestion would be another name, so a long one is given in the details only.
  const would = suggestion.length > maxQuotedChars ? "The suggestion beside this message" : quote(suggestion);
  return new ArtifactError("invalid_argument", `${message} ${would} would do.`, { details: { argument, suggestion } });
}
