import type { Route } from "../route.js";

/** What Prometheus scrapes. A server that is only to be read has it too. */
export const metricsRoute: Route = {
  method: "GET",
  path: "/metrics",
  right: "token",
  isWriting: false,
  operation: {
    id: "metrics",
    summary: "Read what the server counts and measures",
    description: "For Prometheus. docs/operations.md lists the metrics.",
    answers: { 200: { description: "The metrics, in the text format of Prometheus", text: "text/plain" } },
  },
  async handle({ metrics }) {
    const { text, mediaType } = await metrics.read();
    return { status: 200, headers: { "content-type": mediaType }, text };
  },
};
