import { ArtifactError } from "../../../store/model/errors.js";
import type { ProblemForm } from "../../message/problem.js";

/**
 * The request is right, but its artifact is of another kind, or too large to be looked into (422). The usual status of
 * these errors would speak of the request and its body.
 */
export function analysisProblem(error: unknown): ProblemForm {
  const isOfContent =
    error instanceof ArtifactError && (error.next === "describe_content" || error.next === "look_at_less");
  return isOfContent ? { status: 422 } : {};
}
