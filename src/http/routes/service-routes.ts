import { z } from "zod";
import { HttpError } from "../message/http-error.js";
import type { Route } from "../route.js";

const health = z.object({ status: z.literal("ok") });

/** Routes that tell whether the process is alive, and whether it can do its work now. */
export const serviceRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/healthz",
    right: "none",
    isWriting: false,
    operation: {
      id: "healthz",
      summary: "Check that the process answers",
      answers: { 200: { description: "The process answers", json: health } },
    },
    handle: async () => ({ status: 200, body: { status: "ok" } }),
  },
  {
    method: "GET",
    path: "/readyz",
    right: "none",
    isWriting: false,
    operation: {
      id: "readyz",
      summary:
        "Check that the store is in its place and can be read, and also written if the server is not read-only, and that the server is not stopping",
      answers: { 200: { description: "The server is ready", json: health } },
    },
    async handle({ store, stopping }, exchange) {
      exchange.problemFormOf = () => ({ status: 503, headers: { "retry-after": "5" } });
      if (stopping.aborted) throw new HttpError("unavailable", "The server is stopping: ask again in 5 seconds.");
      await store.ready();
      return { status: 200, body: { status: "ok" } };
    },
  },
];
