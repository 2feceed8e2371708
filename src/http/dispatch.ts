import type { IncomingMessage, ServerResponse } from "node:http";
import { describeError } from "../api/failures.js";
import { ArtifactError } from "../store/model/errors.js";
import type { HttpContext } from "./context.js";
import { BrokenBodyError, StoppedBodyError } from "./message/body-source.js";
import { type Answer, Exchange } from "./message/exchange.js";
import { HttpError } from "./message/http-error.js";
import { toProblem } from "./message/problem.js";
import { metricsRoute } from "./metrics/metrics-route.js";
import { type Mount, mcpRoutes } from "./mount.js";
import { openApiDocument } from "./openapi.js";
import { resumableAbilities } from "./protocols/resumable-fields.js";
import { tusAbilities, tusMethod } from "./protocols/tus-fields.js";
import { checkNames, type Parameters, type Route } from "./route.js";
import { matchRoutes, matchWithMethod, methodsOf, type RouteMatch } from "./router.js";
import { artifactRoutes } from "./routes/artifact-routes.js";
import { changeRoutes } from "./routes/change-routes.js";
import { contentRoutes } from "./routes/content-routes.js";
import { compareRoute } from "./routes/insight/compare-route.js";
import { describeRoute } from "./routes/insight/describe-route.js";
import { rowsRoute } from "./routes/insight/rows-route.js";
import { refuseQuery } from "./routes/read-query.js";
import { searchRoute } from "./routes/search-route.js";
import { serviceRoutes } from "./routes/service-routes.js";
import { sessionControlRoutes } from "./routes/session-control-routes.js";
import { sessionRoutes } from "./routes/session-routes.js";
import { tusRoutes } from "./routes/tus-routes.js";
import { authorize, sessionIdOf } from "./security/authorize.js";
import { checkFraming } from "./security/framing.js";
import type { OriginCheck } from "./security/origin-check.js";

export interface Dispatch {
  /** Answers a request. Errors of handlers become answers, so it rejects only if no answer could be sent. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Returns a dispatcher: it finds the route of each request, checks that the request is allowed, and answers it. */
export function createDispatch(context: HttpContext, originCheck: OriginCheck, mcp: Mount | undefined): Dispatch {
  const routes = allRoutes(context.version, mcp);

  /** @param onRoute called with the route of the request, before it answers; not for OPTIONS */
  async function answer(exchange: Exchange, onRoute: (route: Route, method: string) => void): Promise<void> {
    checkFraming(exchange.request);
    originCheck.check(exchange);
    const { segments } = exchange.target;
    const matches = matchRoutes(routes, segments);
    if (exchange.method === "OPTIONS") {
      await exchange.send(answerOptions(exchange, matches));
      return;
    }
    const method = tusMethod(exchange);
    const { route, parameters } = matchWithMethod(matches, method, segments);
    onRoute(route, method);
    admit(context, route, exchange, parameters);
    if (context.stopping.aborted && route.isWriting) throw stoppingError(await knownOffset(context, parameters));
    const result = await route.handle(context, exchange, checkNames(parameters));
    if (result !== undefined) await exchange.send(result);
  }

  function answerOptions(exchange: Exchange, matches: readonly RouteMatch[]): Answer {
    const methods = methodsOf(matches);
    return {
      status: 204,
      headers: {
        ...tusAbilities(context),
        ...resumableAbilities(context),
        allow: methods.join(", "),
        ...originCheck.preflight(exchange, methods),
      },
    };
  }

  return {
    async handle(request, response) {
      const began = performance.now();
      // A client that disconnects during the answer is no failure of the server.
      response.on("error", (error) => context.log("debug", "response_broken", { error: String(error) }));
      const exchange = new Exchange(request, response, context.stopping);
      exchange.set("x-content-type-options", "nosniff");
      let route: string | undefined;
      let method: string | undefined;
      try {
        await answer(exchange, (found, asked) => {
          route = found.path;
          method = asked;
        });
      } catch (error) {
        await answerError(context, exchange, error);
      }
      const ms = performance.now() - began;
      const status = response.headersSent ? response.statusCode : undefined;
      context.metrics.ended({ route, method, status, seconds: ms / 1000 });
      // The log has the path of the route: the request's own path may contain a signature.
      context.log("debug", "request", { method: request.method, path: route, status, ms: Math.round(ms) });
    },
  };
}

/** The routes in the order in which they are tried: the URL of a session also looks like that of a bucket. */
function allRoutes(version: string, mcp: Mount | undefined): Route[] {
  const described = [
    ...sessionRoutes,
    ...sessionControlRoutes,
    ...artifactRoutes,
    searchRoute,
    describeRoute,
    rowsRoute,
    compareRoute,
    ...changeRoutes,
    ...contentRoutes,
    ...tusRoutes,
    ...serviceRoutes,
    metricsRoute,
  ];
  const document = openApiDocument(described, version);
  const openApi: Route = {
    method: "GET",
    path: "/v1/openapi.json",
    right: "token",
    isWriting: false,
    handle: async () => ({ status: 200, body: document }),
  };
  return [...described, openApi, ...mcpRoutes(mcp)];
}

async function answerError(context: HttpContext, exchange: Exchange, thrown: unknown): Promise<void> {
  const { log } = context;
  const { response } = exchange;
  if (thrown instanceof BrokenBodyError || response.destroyed) {
    log("debug", "request_broken", { error: String(thrown) });
    return;
  }
  const isTakenOver = thrown instanceof ArtifactError && thrown.code === "offset_conflict";
  const isGivenUp = context.stopping.aborted && (isTakenOver || thrown === context.stopping.reason);
  const isStopped = thrown instanceof StoppedBodyError || isGivenUp;
  const error = isStopped ? stoppingError(isTakenOver ? thrown.details["offset"] : undefined) : thrown;
  if (response.headersSent) {
    log("error", "answer_broken", { error: describeError(error) });
    response.destroy(); // so that the client sees that the answer is incomplete
    return;
  }
  const { status, headers, body } = toProblem(error, exchange.problemFormOf(error), log);
  await exchange.send({ status, headers, body }, "application/problem+json");
}

/** Lets only those requests through to their handler that are authorized and that this server supports. */
function admit(context: HttpContext, route: Route, exchange: Exchange, parameters: Parameters): void {
  authorize(context, route, exchange, parameters);
  if (takesNoQuery(route)) refuseQuery(exchange);
  if (context.readOnly && route.isWriting) throw readOnly();
}

/**
 * Returns whether a query must be refused. Routes with query parameters check them themselves, and so does a mounted
 * handler, which has no `operation`. The health checks accept any query.
 */
function takesNoQuery({ right, operation }: Route): boolean {
  return right !== "none" && operation !== undefined && operation.query === undefined;
}

function readOnly(): ArtifactError {
  return new ArtifactError(
    "read_only",
    "This server was started with --read-only: only requests that list or read work.",
  );
}

/**
 * Returns the offset of the upload that a request is for; undefined if it is for none, or if the session cannot be
 * read.
 */
async function knownOffset({ store }: HttpContext, parameters: Parameters): Promise<number | undefined> {
  if (parameters["session"] === undefined) return undefined;
  return store.uploads.getWithoutTail(sessionIdOf(parameters)).then(
    ({ offset }) => offset,
    () => undefined, // the next server process answers with the error
  );
}

/** @param offset of the upload, if it is known */
function stoppingError(offset?: unknown): HttpError {
  return new HttpError(
    "unavailable",
    "The server is stopping. Bytes that it received at the URL of an upload are stored: after the restart, ask that URL for the offset and continue from there. Nothing is kept of a body sent to /v1/content without Upload-Complete. Send any other request again.",
    { "retry-after": "5", ...(offset === undefined ? {} : { "upload-offset": String(offset) }) },
  );
}
