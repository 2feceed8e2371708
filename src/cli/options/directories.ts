import { homedir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { ConfigError } from "./config-error.js";

/**
 * Returns this user's home directory. If HOME does not name an absolute path, it is the one in the passwd entry.
 *
 * @throws ConfigError if there is none
 */
export function homeFolder(): string {
  const found = [homedir, () => userInfo().homedir].map((find) => {
    try {
      return find();
    } catch {
      return ""; // neither HOME nor a passwd entry
    }
  });
  const home = found.find((path) => isAbsolute(path));
  if (home === undefined) throw new ConfigError("this user has no home directory: give --root DIR, an absolute path");
  return home;
}

/**
 * Makes a path absolute. `~` and `~/` are replaced here, because a host starts the server without a shell.
 *
 * @throws ConfigError for `~name`, and for a relative path if the current directory no longer exists
 */
export function absolutePath(path: string): string {
  const [, name] = /^~([^/]*)/.exec(path) ?? [];
  if (name === "") return join(homeFolder(), path.slice(1));
  if (name !== undefined) {
    // Without this check, a directory with the name `~name` would be made in the current directory.
    throw new ConfigError(
      `${JSON.stringify(path)} is not known as the home directory of ${JSON.stringify(name)}: give an absolute path, or ./${path}`,
    );
  }
  try {
    return resolve(path);
  } catch {
    throw new ConfigError(
      `the current directory is gone, so ${JSON.stringify(path)} leads nowhere: give absolute paths`,
    );
  }
}

/**
 * Returns the data directory that is used if none is named: `artifacts-mcp` in the platform's folder for a user's data.
 *
 * @throws ConfigError if it would be in the home directory, and there is none
 */
export function defaultRoot(environment: NodeJS.ProcessEnv): string {
  return join(dataHome(environment), "artifacts-mcp");
}

function dataHome(environment: NodeJS.ProcessEnv): string {
  switch (process.platform) {
    case "darwin":
      return join(homeFolder(), "Library", "Application Support");
    case "win32":
      return environment["LOCALAPPDATA"] || join(homeFolder(), "AppData", "Local");
    default: {
      const given = environment["XDG_DATA_HOME"];
      // The XDG Base Directory Specification says to ignore a relative path.
      return given?.startsWith("/") ? given : join(homeFolder(), ".local", "share");
    }
  }
}
