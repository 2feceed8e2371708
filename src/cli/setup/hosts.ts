import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ConfigFormat, Entry } from "./config-format.js";
import { json, jsonc, jsonWithComments } from "./json-config.js";
import type { Surroundings } from "./surroundings.js";
import { toml } from "./toml-config.js";

/** A program that starts MCP servers, and how it is configured. */
export interface Host {
  /** Its name on the command line. */
  readonly id: string;
  readonly title: string;
  readonly format: ConfigFormat;
  /** The key in the file that holds the entries by name. */
  readonly section: string;
  /** Absolute path of this user's configuration file. */
  file(surroundings: Surroundings): string;
  /** The fields of an entry that `setup` sets. Other fields belong to the user. */
  entry(command: string, args: readonly string[]): Entry;
  /** More fields that only a new entry gets. */
  readonly initial?: Entry;
  /** Tells the person how the host reads its configuration again. */
  readonly reload: string;
  /** Tells of another way to add the entry, if it can be safer. */
  readonly alternative?: (name: string, command: string, args: readonly string[]) => string;
}

/** How long a host should wait for a call: `import_file` of a large file takes minutes. */
const callSeconds = 600;

const commandAndArgs = (command: string, args: readonly string[]): Entry => ({ command, args: [...args] });
const typed = (type: string) => (command: string, args: readonly string[]) => ({
  type,
  ...commandAndArgs(command, args),
});

/** Quotes words for a shell. */
const inShell = (words: readonly string[]): string =>
  words.map((word) => (/^[\w./:=@~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");

/** Returns the folder that an environment variable names. If it names none, returns a folder in the home directory. */
function folder({ environment, home }: Surroundings, variable: string, ...otherwise: string[]): string {
  const given = environment[variable] ?? "";
  return given === "" ? join(home, ...otherwise) : given;
}

/** Where desktop programs keep their configuration. */
function applicationData(surroundings: Surroundings): string {
  switch (surroundings.platform) {
    case "darwin":
      return join(surroundings.home, "Library", "Application Support");
    case "win32":
      return folder(surroundings, "APPDATA", "AppData", "Roaming");
    default:
      return folder(surroundings, "XDG_CONFIG_HOME", ".config");
  }
}

/** On Windows, Claude Desktop from the Microsoft Store sees a folder of its own in place of %APPDATA%. */
function packagedData(surroundings: Surroundings): string | undefined {
  if (surroundings.platform !== "win32") return undefined;
  const packages = join(folder(surroundings, "LOCALAPPDATA", "AppData", "Local"), "Packages");
  const found = existsSync(packages) ? readdirSync(packages).find((name) => name.startsWith("Claude_")) : undefined;
  return found && join(packages, found, "LocalCache", "Roaming");
}

/** On macOS, Zed does not use the folder of other desktop programs. */
function zedFolder(surroundings: Surroundings): string {
  if (surroundings.platform === "win32") return join(applicationData(surroundings), "Zed");
  const parent =
    surroundings.platform === "darwin" ? join(surroundings.home, ".config") : applicationData(surroundings);
  return join(parent, "zed");
}

/** Returns the first of these files in a folder that exists. If none does, returns the first one. */
function firstExisting(parent: string, ...names: readonly [string, ...string[]]): string {
  const paths = names.map((name) => join(parent, name));
  return paths.find((path) => existsSync(path)) ?? join(parent, names[0]);
}

export const hosts: readonly Host[] = [
  {
    id: "claude-desktop",
    title: "Claude Desktop",
    format: json,
    section: "mcpServers",
    file: (at) => join(packagedData(at) ?? applicationData(at), "Claude", "claude_desktop_config.json"),
    entry: commandAndArgs,
    reload: "Quit Claude Desktop and start it again.",
  },
  {
    id: "claude-code",
    title: "Claude Code",
    format: json,
    section: "mcpServers",
    file: (at) => join(folder(at, "CLAUDE_CONFIG_DIR"), ".claude.json"),
    entry: typed("stdio"),
    reload: "Start a new session; /mcp shows it.",
    alternative: (name, command, args) =>
      `While Claude Code runs it writes this file itself; then use: claude mcp add -s user ${name} -- ${inShell([command, ...args])}`,
  },
  {
    id: "cursor",
    title: "Cursor",
    format: json,
    section: "mcpServers",
    file: (at) => join(at.home, ".cursor", "mcp.json"),
    entry: commandAndArgs,
    reload: "Cursor reads the file by itself; Settings, MCP shows it.",
  },
  {
    id: "vscode",
    title: "VS Code",
    format: jsonc,
    section: "servers",
    file: (at) => join(applicationData(at), "Code", "User", "mcp.json"),
    entry: typed("stdio"),
    reload: 'Run "MCP: List Servers" in VS Code and start it.',
  },
  {
    id: "codex",
    title: "Codex",
    format: toml,
    section: "mcp_servers",
    file: (at) => join(folder(at, "CODEX_HOME", ".codex"), "config.toml"),
    entry: commandAndArgs,
    initial: { tool_timeout_sec: callSeconds },
    reload: "Start a new session; /mcp shows it.",
  },
  {
    id: "gemini",
    title: "Gemini CLI",
    format: jsonWithComments,
    section: "mcpServers",
    file: (at) => join(folder(at, "GEMINI_CLI_HOME"), ".gemini", "settings.json"),
    entry: commandAndArgs,
    reload: "Start a new session in a folder that Gemini CLI trusts; /mcp shows it.",
  },
  {
    id: "opencode",
    title: "opencode",
    format: jsonc,
    section: "mcp",
    file: (at) =>
      firstExisting(join(folder(at, "XDG_CONFIG_HOME", ".config"), "opencode"), "opencode.jsonc", "opencode.json"),
    entry: (command, args) => ({ type: "local", command: [command, ...args] }),
    initial: { enabled: true, timeout: callSeconds * 1000 },
    reload: "Start a new session; `opencode mcp list` shows it.",
  },
  {
    id: "qwen",
    title: "Qwen Code",
    format: jsonWithComments,
    section: "mcpServers",
    file: (at) => join(folder(at, "QWEN_HOME", ".qwen"), "settings.json"),
    entry: commandAndArgs,
    // Without it, Qwen Code 0.24 shows the model no tool of any server until it searches for some.
    initial: { alwaysLoadTools: true },
    reload: "Start a new session; /mcp shows it.",
  },
  {
    id: "copilot",
    title: "Copilot CLI",
    format: jsonc,
    section: "mcpServers",
    file: (at) => join(folder(at, "COPILOT_HOME", ".copilot"), "mcp-config.json"),
    entry: typed("local"),
    initial: { tools: ["*"] },
    reload: "Start a new session; /mcp shows it.",
  },
  {
    id: "zed",
    title: "Zed",
    format: jsonc,
    section: "context_servers",
    file: (at) => join(zedFolder(at), "settings.json"),
    entry: commandAndArgs,
    initial: { source: "custom", timeout: callSeconds },
    reload: "Zed reads the file by itself; the agent panel's settings show it.",
  },
];
