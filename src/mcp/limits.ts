const KiB = 1024;
const MiB = 1024 * KiB;

/** Largest message on stdin, in bytes. */
export const maxMessageBytes = 64 * MiB;
/** Requests of one client that run at once. Further requests wait. */
export const maxConcurrentCalls = 16;
/** Requests that may wait. A further request is refused. */
export const maxWaitingCalls = 1_000;
/** While the client has more than this unread, in bytes, no request is started. */
export const maxUnreadBytes = 8 * MiB;
/** While waiting requests and unread answers together hold more than this, in bytes, stdin is not read. */
export const maxHeldBytes = 32 * MiB;

/** Largest body of a request to `/mcp`, in bytes. The largest chunk fits as base64, with JSON around it. */
export const maxMcpBodyBytes = 44 * MiB;
/** Bodies up to this size, in bytes, have room of their own and do not wait for larger ones. */
export const maxSmallBodyBytes = 256 * KiB;
/** Bytes that the bodies of small requests to `/mcp` may hold together until they are answered. */
export const maxSmallBodiesBytes = 4 * MiB;
/** Requests to `/mcp` whose bodies may wait for room. A further request is refused. */
export const maxWaitingBodies = 64;
/** While other clients wait, a client that sends nothing, or reads nothing, for this long is disconnected. */
export const stalledMs = 10_000;
/** Bytes of messages to all clients that MCP over HTTP keeps: unread messages and messages kept for replay. */
export const maxEventBytes = 64 * MiB;
/** A session of MCP over HTTP ends after this long without a request and without an open stream. */
export const mcpSessionIdleMs = 30 * 60 * 1000;
