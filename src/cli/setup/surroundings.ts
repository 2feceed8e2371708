import { homeFolder } from "../options/directories.js";

/** The machine and the user, as a host sees them. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  /** Absolute path of the user's home directory. */
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** @throws ConfigError if the user has no home directory */
export function surroundingsOfThisProcess(): Surroundings {
  return { platform: process.platform, home: homeFolder(), environment: process.env };
}
