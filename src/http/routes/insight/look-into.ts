import { ArtifactError } from "../../../store/model/errors.js";
import type { HttpContext } from "../../context.js";
import { withClientSignal } from "../../message/client-signal.js";
import type { Exchange } from "../../message/exchange.js";
import type { ProblemForm } from "../../message/problem.js";

/**
 * Runs an analysis for a request. It is stopped when the client disconnects, or when the server stops.
 *
 * @throws HttpError `unavailable` if too many run or wait already; the errors of the analysis
 */
export async function lookInto<Found>(
  { analysisPlaces, stopping }: HttpContext,
  exchange: Exchange,
  analyse: (signal: AbortSignal) => Promise<Found>,
): Promise<Found> {
  exchange.problemFormOf = problemOfContent;
  return analysisPlaces.run(() => withClientSignal(exchange, stopping, analyse));
}

/**
 * The request is right, but its artifact is of another kind, or too large to be looked into (422). The usual status of
 * these errors would speak of the request and its body.
 */
function problemOfContent(error: unknown): ProblemForm {
  const isOfContent =
    error instanceof ArtifactError && (error.next === "describe_content" || error.next === "look_at_less");
  return isOfContent ? { status: 422 } : {};
}
