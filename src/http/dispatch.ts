import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe } from "../api/failures.js";
import { ArtifactError } from "../store/model/errors.js";
import type { HttpContext } from "./context.js";
import { BrokenBodyError, StoppedBodyError } from "./message/body-source.js";
import { Exchange } from "./message/exchange.js";
import { checkFraming } from "./message/framing.js";
import { HttpError } from "./message/http-error.js";
import { toProblem } from "./message/problem.js";
import { openApiDocument } from "./openapi.js";
import { resumableAbilities } from "./protocols/resumable.js";
import { tusAbilities, tusMethod } from "./protocols/tus.js";
import { checkNames, matchPath, type Parameters, type Route } from "./route.js";
import { artifactRoutes } from "./routes/artifacts.js";
import { contentRoutes, isSigned } from "./routes/content.js";
import { refuseQuery } from "./routes/query.js";
import { serviceRoutes } from "./routes/service.js";
import { codeOf, idOf, sessionRoutes } from "./routes/sessions.js";
import { tusRoutes } from "./routes/tus.js";
import type { Gate } from "./security/gate.js";

/** Another face that the server gives a path to: it answers by itself. */
export interface Mount {
  handle(exchange: Exchange): Promise<void>;
  /** Takes nothing new from here on. Resolves once nothing is under way, which may be never. */
  finish(): Promise<void>;
  /** Answers what is still under way that it has not been done. */
  close(): Promise<void>;
}

export interface Dispatch {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Finds who answers a request, and lets only those through to it that may. */
export function createDispatch(context: HttpContext, gate: Gate, mcp: Mount | undefined): Dispatch {
  // A session is no bucket, although its path looks like one.
  const described = [...sessionRoutes, ...artifactRoutes, ...contentRoutes, ...tusRoutes, ...serviceRoutes];
  const document = openApiDocument(described, context.version);
  const openApi: Route = {
    ...{ method: "GET", path: "/v1/openapi.json", right: "token", isWriting: false },
    handle: async () => ({ status: 200, body: document }),
  };
  const routes = [...described, openApi, ...mountRoutes(mcp)];

  async function answer(exchange: Exchange): Promise<string | undefined> {
    checkFraming(exchange.request);
    gate.check(exchange);
    const segments = withoutAlias(exchange.target.segments);
    const here = routes.flatMap((route) => {
      const parameters = matchPath(route.path, segments);
      return parameters === undefined ? [] : [{ route, parameters }];
    });
    if (here.length === 0) throw notFound(segments.join("/"));
    if (exchange.method === "OPTIONS") {
      const methods = methodsOf(here);
      const allow = { allow: methods.join(", ") };
      const abilities = { ...tusAbilities(context), ...resumableAbilities(context), ...allow };
      await exchange.send({ status: 204, headers: { ...abilities, ...gate.preflight(exchange, methods) } });
      return undefined;
    }
    const found = routeFor(here, tusMethod(exchange));
    if (found === undefined) {
      const allow = methodsOf(here).join(", ");
      throw new HttpError("method_not_allowed", `This URL takes ${allow}.`, { allow });
    }
    admit(context, found.route, exchange, found.parameters);
    if (context.stopping.aborted && found.route.isWriting) throw stopping(await knownOffset(context, found.parameters));
    const result = await found.route.handle(context, exchange, checkNames(found.parameters));
    if (result !== undefined) await exchange.send(result);
    return found.route.path;
  }

  return {
    async handle(request, response) {
      const began = performance.now();
      // A client that goes away is no failure of ours, however far the answer was.
      response.on("error", (error) => context.log("debug", "response_broken", { error: String(error) }));
      const exchange = new Exchange(request, response, context.stopping);
      exchange.set("x-content-type-options", "nosniff");
      let path: string | undefined;
      try {
        path = await answer(exchange);
      } catch (error) {
        await refuse(context, exchange, error);
      }
      const ms = Math.round(performance.now() - began);
      // The path may hold what lets its reader in, so the log has its pattern.
      context.log("debug", "request", { method: request.method, path, status: response.statusCode, ms });
    },
  };
}

async function refuse(context: HttpContext, exchange: Exchange, thrown: unknown): Promise<void> {
  const { log } = context;
  const { response } = exchange;
  if (thrown instanceof BrokenBodyError || response.destroyed) {
    log("debug", "request_broken", { error: String(thrown) });
    return;
  }
  const isTakenOver = thrown instanceof ArtifactError && thrown.code === "offset_conflict";
  const isCut = thrown instanceof StoppedBodyError || (isTakenOver && context.stopping.aborted);
  const error = isCut ? stopping(isTakenOver ? thrown.details["offset"] : undefined) : thrown;
  if (response.headersSent) {
    log("error", "answer_broken", { error: describe(error) });
    response.destroy(); // the client sees that it is not whole
    return;
  }
  const { status, headers, body } = toProblem(error, exchange.formOf(error), log);
  await exchange.send({ status, headers, body }, "application/problem+json");
}

function mountRoutes(mcp: Mount | undefined): Route[] {
  if (mcp === undefined) return [];
  return ["GET", "POST", "DELETE"].map((method) => ({
    ...{ method, path: "/mcp", right: "token", isWriting: false },
    async handle(_context, exchange) {
      const { request, response, common } = exchange;
      for (const [name, value] of Object.entries(common)) response.setHeader(name, value);
      // Other answers have an end, and go to those who have ended their own side too.
      if (method === "GET") endWith(request.socket, response);
      await mcp.handle(exchange);
      return undefined;
    },
  }));
}

/** Ends a stream whose client has ended its own side: nobody listens there any more. */
function endWith(socket: Socket, response: ServerResponse): void {
  const end = (): void => void response.destroy();
  socket.once("end", end);
  response.once("close", () => socket.off("end", end));
  if (socket.readableEnded) end();
}

/** What a URL takes, by the routes that lead there. */
function methodsOf(here: readonly { readonly route: Route }[]): string[] {
  return [...new Set(here.map(({ route }) => route.method)), "OPTIONS"];
}

/** A HEAD is a GET whose content stays here, unless there is a way for it alone. */
function routeFor<Found extends { readonly route: Route }>(here: readonly Found[], method: string): Found | undefined {
  const by = (wanted: string) => here.find(({ route }) => route.method === wanted);
  return by(method) ?? (method === "HEAD" ? by("GET") : undefined);
}

/** Routes that take parameters read them, other faces have their own, and what asks whether the server is well may add any. */
function takesNoQuery({ right, operation }: Route): boolean {
  return right !== "none" && operation !== undefined && operation.query === undefined;
}

/** As it was first called. */
function withoutAlias(segments: readonly string[]): readonly string[] {
  const [first, second, ...rest] = segments;
  return first === "v1" && second === "files" ? ["v1", "artifacts", ...rest] : segments;
}

/** Lets a request through to its handler that has the right to it, and that this server takes. */
function admit(context: HttpContext, route: Route, exchange: Exchange, parameters: Parameters): void {
  checkRight(context, route, exchange, parameters);
  if (takesNoQuery(route)) refuseQuery(exchange);
  if (context.readOnly && route.isWriting) throw readOnly();
}

/**
 * Judges by the request and the server's secrets alone: a wrong one costs no read of the store, and no wait.
 *
 * @throws HttpError `unauthorized`, `too_many_requests`
 */
function checkRight(context: HttpContext, { right }: Route, exchange: Exchange, parameters: Parameters): void {
  const { access, links } = context;
  if (right === "none" || access.isBearer(exchange)) return;
  if (right === "upload-url") {
    const code = codeOf(parameters);
    if (code !== undefined && links.isUpload(idOf(parameters), code)) return;
    throw access.refusal(
      exchange,
      "This upload URL is not whole or not right: take the session's url as it was answered, or send Authorization: Bearer TOKEN.",
    );
  }
  if (right === "download-url" && exchange.target.query.has("signature")) {
    if (isSigned(context, exchange, parameters)) return;
    throw access.refusal(
      exchange,
      "This download URL has expired or is not right: ask for the artifact again for a fresh one (get_artifact, or GET /v1/artifacts/{bucket}/{key}), or send Authorization: Bearer TOKEN.",
    );
  }
  throw access.refusal(exchange, sendToken);
}

const sendToken = "Send Authorization: Bearer TOKEN, with the token that the server was started with.";

/** Where clients of MCP look for OAuth, before they ask their user for a token: RFC 8414, 9728, 7591 and OpenID. */
const oauthPath = /(?:^|\/)\.well-known\/(?:oauth|openid)-|^(?:register|authorize|token)\/?$/;

function notFound(path: string): HttpError {
  if (oauthPath.test(path)) {
    const message = `There is no OAuth here. ${sendToken}`;
    // The last two are what a client of OAuth shows.
    return new HttpError("not_found", message, {}, { error: "not_found", error_description: message });
  }
  return new HttpError(
    "not_found",
    "There is nothing here. Artifacts are under /v1/artifacts and their content under /v1/content, uploads begin with POST /v1/artifacts, MCP is at /mcp; /v1/openapi.json describes it all.",
  );
}

function readOnly(): ArtifactError {
  return new ArtifactError(
    "read_only",
    "This server was started with --read-only: only listing and reading work here.",
  );
}

/** How far the upload is that a request is for; undefined where it is for none. */
async function knownOffset({ store }: HttpContext, parameters: Parameters): Promise<number | undefined> {
  if (parameters["session"] === undefined) return undefined;
  return store.uploads.get(idOf(parameters)).then(
    ({ offset }) => offset,
    () => undefined, // what is wrong with it, the server that comes next says
  );
}

/** @param offset of the upload, where it is known */
function stopping(offset?: unknown): HttpError {
  return new HttpError(
    "unavailable",
    "The server is ending. What was sent to an upload's own URL is stored: ask that URL for the offset once the server is back, and go on from there. Of a body for /v1/content without Upload-Complete nothing is kept: send it again.",
    { "retry-after": "5", ...(offset === undefined ? {} : { "upload-offset": String(offset) }) },
  );
}
