import { type ClientRequest, request as httpRequest } from "node:http";
import { onTestFinished } from "vitest";
import { type Answered, type Asked, answerTo, bearer, token } from "./http-client.js";
import { type RawServer, spawnRaw } from "./server-process.js";

export interface HttpProcess extends RawServer {
  readonly origin: string;
  readonly port: number;
  /** Sends a request with the token. @param url absolute, or a path */
  ask(method: string, url: string, asked?: Asked): Promise<Answered>;
  begin(method: string, url: string, headers?: Readonly<Record<string, string>>): ClientRequest;
  /** Kills the process with SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts the built command as a service. It is killed when the test ends. @param port 0 for any free port */
export async function startService(root: string, port = 0, ...args: string[]): Promise<HttpProcess> {
  return startServiceIn({}, root, port, ...args);
}

/** Does the same with additional environment variables. */
export async function startServiceIn(
  environment: NodeJS.ProcessEnv,
  root: string,
  port = 0,
  ...args: string[]
): Promise<HttpProcess> {
  const server = spawnRaw(["--root", root, "--no-stdio", "--http", `127.0.0.1:${port}`, ...args], {
    ARTIFACTS_HTTP_TOKEN: token,
    ...environment,
  });
  const origin = await originOf(server);
  function begin(method: string, url: string, headers: Readonly<Record<string, string>> = {}): ClientRequest {
    const request = httpRequest(new URL(url, origin), { method, headers: { ...bearer, ...headers }, agent: false });
    request.on("error", () => undefined); // the code that waits for the answer gets this error
    onTestFinished(() => void request.destroy());
    return request;
  }
  return {
    ...server,
    origin,
    port: Number(new URL(origin).port),
    begin,
    ask(method, url, { headers = {}, body } = {}) {
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const request = begin(method, url, { ...length, ...headers });
      request.end(body);
      return answerTo(request);
    },
    async kill() {
      server.child.kill("SIGKILL");
      await server.exited;
    },
  };
}

/** The origin that a server started with `--http` reports in its log. */
export async function originOf(server: RawServer): Promise<string> {
  const [, origin = ""] = await server.heard(/"http":"([^"]+)"/);
  return origin;
}
