/** An option or an environment variable is wrong. The message is one line that names it and says what is allowed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
