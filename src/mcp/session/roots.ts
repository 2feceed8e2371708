import { fileURLToPath } from "node:url";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { RootsListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { shorten } from "../../store/model/quote.js";
import type { Log } from "../../store/ports/log.js";
import { withTimeout } from "../../store/with-timeout.js";

/** The client's time to answer `roots/list`. */
const answerTimeoutMs = 5_000;
/** The longest time that another request waits for this answer. */
const maxWaitMs = 1_000;
/** The most unusable roots that one line of the log names. */
const maxNamedRoots = 5;

/** The SDK's own schema takes only `file:` roots, and refuses all roots if one is something else. */
const anyRoots = z.looseObject({ roots: z.unknown().optional() });

/** The directories that the tools of one client may use. */
export interface Roots {
  /**
   * The directories allowed at the start, plus the client's roots. If the client is being asked for its roots, this waits
   * up to a second for the answer.
   */
  allowed(): Promise<readonly string[]>;
  /** To be called when the client is initialized. Asks for the client's roots if the client supports roots. */
  start(): void;
}

/**
 * @param allowPaths absolute paths of the directories that the person who runs the server allowed
 * @param onChanged called when the roots have changed
 */
export function createRoots(server: Server, allowPaths: readonly string[], onChanged: () => void, log: Log): Roots {
  let roots: readonly string[] = [];
  let asking: Promise<void> = Promise.resolve();

  async function ask(): Promise<void> {
    let found: readonly string[] = [];
    try {
      const { roots: listed } = await server.request({ method: "roots/list" }, anyRoots, { timeout: answerTimeoutMs });
      if (Array.isArray(listed)) found = directoriesOf(listed, log);
      else if (listed !== undefined)
        log("warn", "roots_not_told", { error: `roots must be a list, not ${shorten(JSON.stringify(listed))}` });
    } catch (error) {
      // The client may have withdrawn its earlier roots, so none of them stays allowed.
      log("warn", "roots_not_told", { error: String(error) });
    }
    const hasChanged = found.join("\n") !== roots.join("\n");
    roots = found;
    if (hasChanged) onChanged();
  }

  function refresh(): void {
    asking = asking.then(ask);
  }

  server.setNotificationHandler(RootsListChangedNotificationSchema, refresh);
  return {
    async allowed() {
      await withTimeout(maxWaitMs, asking);
      return [...allowPaths, ...roots];
    },
    start() {
      if (server.getClientCapabilities()?.roots !== undefined) refresh();
    },
  };
}

/** The roots for a client on another machine: paths in its roots do not name directories of this machine. */
export function onlyAllowed(allowPaths: readonly string[]): Roots {
  return { allowed: async () => allowPaths, start: () => undefined };
}

/** The roots that are directories of this machine. The others are logged and left out. */
function directoriesOf(roots: readonly unknown[], log: Log): string[] {
  const found = roots.map((root) => ({ root, directory: directoryOf(root) }));
  const unusable = found.filter(({ directory }) => directory === undefined).map(({ root }) => root);
  if (unusable.length > 0) {
    const named = unusable.slice(0, maxNamedRoots).map((root) => shorten(uriOf(root) ?? JSON.stringify(root)));
    log("warn", "roots_not_used", {
      reason: "these are not directories of this machine",
      count: unusable.length,
      roots: named,
    });
  }
  return found.flatMap(({ directory }) => directory ?? []);
}

function uriOf(root: unknown): string | undefined {
  const uri = (root as { uri?: unknown } | null)?.uri;
  return typeof uri === "string" ? uri : undefined;
}

/**
 * The path of a root. Returns undefined for a root that is on another machine (`vscode-remote:`, another host), and for
 * one that cannot name a path (`file://%zz`, a NUL).
 */
function directoryOf(root: unknown): string | undefined {
  try {
    const path = fileURLToPath(uriOf(root) ?? "");
    return path.includes("\0") ? undefined : path;
  } catch {
    return undefined;
  }
}
