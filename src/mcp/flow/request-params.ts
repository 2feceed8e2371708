import type { z } from "zod";
import { parseArguments } from "../../api/arguments.js";
import { ArtifactError } from "../../store/model/errors.js";
import { normalizeParams } from "../calls/normalize-arguments.js";

/** Returns the parameters of a request or notification, or a text that says what is wrong with each wrong one. */
export function readParams<Params extends z.ZodObject>(
  schema: Params,
  params: unknown,
  method: string,
): z.output<Params> | string {
  try {
    return parseArguments(schema, normalizeParams(schema, params), method);
  } catch (error) {
    if (error instanceof ArtifactError) return `${method}: ${error.message}`;
    throw error;
  }
}
