import { fileURLToPath } from "node:url";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { RootsListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { shorten } from "../../store/model/quote.js";
import type { Log } from "../../store/ports/log.js";
import { withTimeout } from "../../store/with-timeout.js";

/** How long the client may take to say its roots, and how long another request waits for them. */
const answerMs = 5_000;
const waitMs = 1_000;
/** Foreign roots that one line of the log names. */
const maxNamedRoots = 5;

/** The SDK's own schema takes `file:` alone, and refuses all roots for one that is something else. */
const anyRoots = z.looseObject({ roots: z.unknown().optional() });

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
      const { roots: listed } = await server.request({ method: "roots/list" }, anyRoots, { timeout: answerMs });
      if (Array.isArray(listed)) found = directoriesOf(listed, log);
      else if (listed !== undefined)
        log("warn", "roots_not_told", { error: `roots must be a list, not ${shorten(JSON.stringify(listed))}` });
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
      await withTimeout(waitMs, asking);
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

/** Each root by itself: what is no directory of this machine is logged, and leaves the others as they are. */
function directoriesOf(roots: readonly unknown[], log: Log): string[] {
  const judged = roots.map((root) => ({ root, directory: directoryOf(root) }));
  const foreign = judged.filter(({ directory }) => directory === undefined).map(({ root }) => root);
  if (foreign.length > 0) {
    const named = foreign.slice(0, maxNamedRoots).map((root) => shorten(uriOf(root) ?? JSON.stringify(root)));
    log("warn", "roots_not_used", { reason: "no directories of this machine", count: foreign.length, roots: named });
  }
  return judged.flatMap(({ directory }) => directory ?? []);
}

function uriOf(root: unknown): string | undefined {
  const uri = (root as { uri?: unknown } | null)?.uri;
  return typeof uri === "string" ? uri : undefined;
}

/** Undefined for what is elsewhere (`vscode-remote:`, another host), or names nothing (`file://%zz`, a NUL). */
function directoryOf(root: unknown): string | undefined {
  try {
    const path = fileURLToPath(uriOf(root) ?? "");
    return path.includes("\0") ? undefined : path;
  } catch {
    return undefined;
  }
}
