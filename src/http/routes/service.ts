import { z } from "zod";
import { HttpError } from "../message/http-error.js";
import type { Route } from "../route.js";

const health = z.object({ status: z.literal("ok") });

/** Whether the process answers, and whether it can do its work now. */
export const serviceRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/healthz",
    right: "none",
    isWriting: false,
    operation: { id: "healthz", summary: "The process answers", answers: { 200: { says: "It does", json: health } } },
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
        "The store is in its place, can be read, and written unless that is not offered; the server is not ending",
      answers: { 200: { says: "Ready", json: health } },
    },
    async handle({ store, stopping }, exchange) {
      exchange.formOf = () => ({ status: 503, headers: { "retry-after": "5" } });
      if (stopping.aborted) throw new HttpError("unavailable", "The server is ending.");
      await store.ready();
      return { status: 200, body: { status: "ok" } };
    },
  },
];
