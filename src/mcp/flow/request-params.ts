import type { z } from "zod";
import { parseArguments } from "../../api/arguments.js";
import { ArtifactError } from "../../store/model/errors.js";
import { normalizeParams } from "../calls/normalize-arguments.js";

/** The parameters of a request or a notification; or a sentence that names each that is wrong and what it must be. */
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
