import { type ClientRequest, request as httpRequest } from "node:http";
import { onTestFinished } from "vitest";
import { type Answered, type Asked, answerTo, bearer, token } from "./http-client.js";
import { type RawServer, spawnRaw } from "./server-process.js";

export interface HttpProcess extends RawServer {
  readonly origin: string;
  readonly port: number;
  /** Sends the token. @param url absolute, or a path */
  ask(method: string, url: string, asked?: Asked): Promise<Answered>;
  begin(method: string, url: string, headers?: Readonly<Record<string, string>>): ClientRequest;
  /** kill -9, awaited until the process is gone. */
  kill(): Promise<void>;
}

/** The built command as a service; it is gone when the test ends. @param port 0 for any that is free */
export async function startService(root: string, port = 0, ...args: string[]): Promise<HttpProcess> {
  return startServiceIn({}, root, port, ...args);
}

/** The same with variables of the environment. */
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
    request.on("error", () => undefined); // whoever waits for its answer hears of it
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

/** Where a server that was started with `--http` says that it listens. */
export async function originOf(server: RawServer): Promise<string> {
  const [, origin = ""] = await server.heard(/"http":"([^"]+)"/);
  return origin;
}
