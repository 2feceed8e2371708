import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Exchange } from "./message/exchange.js";
import type { Route } from "./route.js";

/** Another handler on this server, such as the Model Context Protocol. It sends its answers itself. */
export interface Mount {
  handle(exchange: Exchange): Promise<void>;
  /** Refuses new requests from now on. Resolves after the current ones have been answered, which may be never. */
  finish(): Promise<void>;
  /** Answers each unfinished request with an error that says that it was not done. */
  close(): Promise<void>;
}

/** Returns the routes of the Model Context Protocol at `/mcp`; none if it is not served. */
export function mcpRoutes(mcp: Mount | undefined): Route[] {
  if (mcp === undefined) return [];
  return ["GET", "POST", "DELETE"].map((method) => ({
    method,
    path: "/mcp",
    right: "token",
    isWriting: false,
    async handle(_context, exchange) {
      const { request, response, common } = exchange;
      for (const [name, value] of Object.entries(common)) response.setHeader(name, value);
      // Only a stream (GET) ends with its client. Other answers are sent even if the client has ended its own side.
      if (method === "GET") endWithClient(request.socket, response);
      await mcp.handle(exchange);
      return undefined;
    },
  }));
}

/** Ends a stream when its client has ended its own side: nobody reads it any more. */
function endWithClient(socket: Socket, response: ServerResponse): void {
  const end = (): void => void response.destroy();
  socket.once("end", end);
  response.once("close", () => socket.off("end", end));
  if (socket.readableEnded) end();
}
