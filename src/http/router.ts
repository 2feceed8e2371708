import { HttpError } from "./message/http-error.js";
import { matchPath, type Parameters, type Route } from "./route.js";
import { sendToken } from "./security/authorize.js";
import { keyMissingMessage, otherUrl } from "./url-hints.js";

/** A route whose path is that of a request, with the path's parameters. */
export interface RouteMatch {
  readonly route: Route;
  readonly parameters: Parameters;
}

/**
 * Returns the routes whose path matches a URL, for all methods. There is at least one.
 *
 * @throws HttpError `not_found`
 */
export function matchRoutes(routes: readonly Route[], path: readonly string[]): readonly RouteMatch[] {
  const segments = withoutAlias(path);
  const matches = routes.flatMap((route) => {
    const parameters = matchPath(route.path, segments);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  if (matches.length === 0) throw notFound(segments);
  return matches;
}

/** Returns the methods that a URL takes. */
export function methodsOf(matches: readonly RouteMatch[]): string[] {
  return [...new Set(matches.map(({ route }) => route.method)), "OPTIONS"];
}

/**
 * Returns the match with a method. A HEAD is answered by the route of GET, without its body, unless HEAD has a route of
 * its own.
 *
 * @throws HttpError `method_not_allowed`
 */
export function matchWithMethod(matches: readonly RouteMatch[], method: string, path: readonly string[]): RouteMatch {
  const find = (wanted: string) => matches.find(({ route }) => route.method === wanted);
  const found = find(method) ?? (method === "HEAD" ? find("GET") : undefined);
  if (found !== undefined) return found;
  const allow = methodsOf(matches).join(", ");
  const hint = otherUrl(method, withoutAlias(path));
  const message = `This URL takes ${allow}.${hint === undefined ? "" : ` ${hint}`}`;
  throw new HttpError("method_not_allowed", message, { allow });
}

/** `/v1/files` is the first name of `/v1/artifacts`, and still works. */
function withoutAlias(segments: readonly string[]): readonly string[] {
  const [first, second, ...rest] = segments;
  return first === "v1" && second === "files" ? ["v1", "artifacts", ...rest] : segments;
}

/**
 * URLs where MCP clients look for OAuth (RFC 8414, 9728 and 7591, and OpenID) before they ask their user for a token.
 */
const oauthPath = /(?:^|\/)\.well-known\/(?:oauth|openid)-|^(?:register|authorize|token)\/?$/;

function notFound(segments: readonly string[]): HttpError {
  if (oauthPath.test(segments.join("/"))) {
    const message = `There is no OAuth here. ${sendToken}`;
    // OAuth clients show their user only `error` and `error_description`.
    return new HttpError("not_found", message, {}, { error: "not_found", error_description: message });
  }
  const [version, place = "", bucket] = segments;
  if (version === "v1" && place === "content") return new HttpError("not_found", keyMissingMessage(bucket));
  if (version === "v1" && ["describe", "rows"].includes(place)) {
    return new HttpError("not_found", `This URL has no key: it is /v1/${place}/{bucket}/{key}.`);
  }
  return new HttpError(
    "not_found",
    "There is nothing here. Artifacts are under /v1/artifacts and their content under /v1/content. /v1/search finds artifacts. /v1/describe, /v1/rows and /v1/compare look into content. Uploads begin with POST /v1/artifacts, and /v1/sessions lists them. MCP is at /mcp. /v1/openapi.json describes all requests.",
  );
}
