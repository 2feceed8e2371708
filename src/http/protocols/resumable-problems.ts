import { count } from "../../store/model/count.js";
import { ArtifactError } from "../../store/model/errors.js";
import type { Exchange } from "../message/exchange.js";
import { integerField } from "../message/header-fields.js";
import { HttpError } from "../message/http-error.js";
import type { ProblemForm } from "../message/problem.js";
import { readUploadComplete } from "./resumable-fields.js";

/** The draft's problem types begin with this. */
const problemTypes = "https://iana.org/assignments/http-problem-types#";

/** Returns a function that gives errors the problem types and header fields of Resumable Uploads. */
export function resumableForm(exchange: Exchange): (error: unknown) => ProblemForm {
  return (error) => {
    if (!(error instanceof ArtifactError)) return {};
    const { code, details } = error;
    switch (code) {
      case "offset_conflict":
        return {
          fields: {
            type: `${problemTypes}mismatching-upload-offset`,
            "expected-offset": details["offset"],
            "provided-offset": integerField(exchange, "Upload-Offset"),
          },
        };
      case "size_exceeded":
        return { status: 400, fields: { type: `${problemTypes}inconsistent-upload-length` } };
      case "session_closed":
        return details["status"] === "complete" ? completedForm(exchange) : {};
      case "version_conflict":
      case "checksum_mismatch":
        return { headers: { "upload-complete": readUploadComplete(exchange) ? "?1" : "?0" } };
      default:
        return {};
    }
  };
}

/** An append with content to a completed upload has a wrong length; one without content came after the completion. */
function completedForm({ body }: Exchange): ProblemForm {
  const kind = body.length === 0 ? "completed-upload" : "inconsistent-upload-length";
  return { status: 400, fields: { type: problemTypes + kind } };
}

/** Returns the error for a request whose length contradicts that of the upload, both in bytes. */
export function inconsistentLength(given: number, known: number): HttpError {
  const message = `By this request the upload has ${count(given, "byte")}, but its length is ${known}. Nothing was changed: send the right length, or create another upload.`;
  return new HttpError("invalid_argument", message, {}, { type: `${problemTypes}inconsistent-upload-length` });
}
