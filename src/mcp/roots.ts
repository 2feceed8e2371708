import { fileURLToPath } from "node:url";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { RootsListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { withinMs } from "../store/model/within-ms.js";
import type { Log } from "../store/ports/log.js";

/** How long the client may take to say its roots, and how long another request waits for them. */
const answerMs = 5_000;
const waitMs = 1_000;

/** The directories that this client's tools may reach. */
export interface Roots {
  /** Those that were allowed at the start, and the client's roots; waits a moment for roots that are being asked for. */
  allowed(): Promise<readonly string[]>;
  /** The client has been initialized: asks for its roots, if it has any. */
  start(): void;
}

/**
 * @param allowPaths what the person who runs the server has allowed, absolute
 * @param onChanged the roots are others now
 */
export function createRoots(server: Server, allowPaths: readonly string[], onChanged: () => void, log: Log): Roots {
  let roots: readonly string[] = [];
  let asking: Promise<void> = Promise.resolve();

  async function ask(): Promise<void> {
    let found: readonly string[] = [];
    try {
      const answer = await server.listRoots({}, { timeout: answerMs });
      found = answer.roots.flatMap(({ uri }) => directoryOf(uri));
    } catch (error) {
      // What the roots were may have been taken back, so none is left.
      log("warn", "roots_not_told", { error: String(error) });
    }
    const isOther = found.join("\n") !== roots.join("\n");
    roots = found;
    if (isOther) onChanged();
  }

  function refresh(): void {
    asking = asking.then(ask);
  }

  server.setNotificationHandler(RootsListChangedNotificationSchema, refresh);
  return {
    async allowed() {
      await withinMs(waitMs, asking);
      return [...allowPaths, ...roots];
    },
    start() {
      if (server.getClientCapabilities()?.roots !== undefined) refresh();
    },
  };
}

/** For a client that runs elsewhere: what its roots are called says nothing of this machine. */
export function onlyAllowed(allowPaths: readonly string[]): Roots {
  return { allowed: async () => allowPaths, start: () => undefined };
}

/** Roots may be other things than directories of this machine. */
function directoryOf(uri: string): string[] {
  try {
    return [fileURLToPath(uri)];
  } catch {
    return [];
  }
}
