import type { Host } from "./host.js";
import { anthropic } from "./wires/anthropic.js";
import { chat } from "./wires/chat.js";
import { gemini } from "./wires/gemini.js";
import { responses } from "./wires/responses.js";

/** The prompt for the host. Its text does not matter: the scripted model does what the test says. */
const prompt = "Do what you are told.";

/** Without this, Codex refuses tools that delete, because it cannot ask a person. */
const approveAll = 'mcp_servers.artifacts.default_tools_approval_mode="approve"';

export const claudeCode: Host = {
  id: "claude-code",
  spec: "@anthropic-ai/claude-code@2.1.332",
  minNode: 20,
  wire: anthropic,
  command: ["claude", "-p", prompt, "--allowedTools", "mcp__artifacts,ListMcpResourcesTool,ReadMcpResourceTool"],
  environment: (origin) => ({
    ANTHROPIC_BASE_URL: origin,
    ANTHROPIC_API_KEY: "any",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    ENABLE_TOOL_SEARCH: "false", // otherwise it may show only the names of tools
  }),
  restarts: true,
  resources: {
    list: { tool: "ListMcpResourcesTool", args: { server: "artifacts" } },
    read: (uri) => ({ tool: "ReadMcpResourceTool", args: { server: "artifacts", uri } }),
  },
};

export const hosts: readonly Host[] = [
  claudeCode,
  {
    id: "gemini",
    spec: "@google/gemini-cli@0.61.0",
    minNode: 20,
    wire: gemini,
    command: ["gemini", "-p", prompt, "--yolo", "--model", "gemini-2.5-flash"],
    environment: (origin) => ({
      GOOGLE_GEMINI_BASE_URL: origin,
      GEMINI_API_KEY: "any",
      GEMINI_CLI_TRUST_WORKSPACE: "true",
    }),
    files: () => ({
      ".gemini/settings.json": JSON.stringify({
        security: { auth: { selectedType: "gemini-api-key" } },
        privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false },
      }),
    }),
    resources: {
      list: { tool: "list_mcp_resources", args: {} },
      read: (uri) => ({ tool: "read_mcp_resource", args: { uri } }),
    },
  },
  {
    id: "codex",
    spec: "@openai/codex@0.171.0",
    minNode: 20,
    wire: responses,
    command: ["codex", "exec", "--skip-git-repo-check", "-c", approveAll, prompt],
    environment: () => ({ SCRIPTED_KEY: "any" }),
    files: (origin) => ({
      ".codex/config.toml": `model = "scripted"
model_provider = "scripted"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.scripted]
name = "scripted"
base_url = "${origin}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"
`,
    }),
    resources: {
      list: { tool: "list_mcp_resources", args: { server: "artifacts" } },
      read: (uri) => ({ tool: "read_mcp_resource", args: { server: "artifacts", uri } }),
    },
  },
  {
    id: "qwen",
    spec: "@qwen-code/qwen-code@0.24.4",
    minNode: 22,
    wire: chat,
    restarts: true,
    command: ["qwen", prompt, "--auth-type", "openai", "--allowed-tools", "mcp__artifacts"],
    environment: (origin) => ({
      OPENAI_BASE_URL: `${origin}/v1`,
      OPENAI_API_KEY: "any",
      OPENAI_MODEL: "scripted",
    }),
    files: () => ({
      ".qwen/settings.json": JSON.stringify({
        privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false },
      }),
    }),
  },
  {
    id: "opencode",
    spec: "opencode-ai@1.18.33",
    minNode: 20,
    wire: chat,
    command: ["opencode", "run", "--model", "scripted/scripted", prompt],
    environment: () => ({
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
    }),
    files: (origin) => ({
      ".config/opencode/opencode.jsonc": JSON.stringify({
        provider: {
          scripted: {
            npm: "@ai-sdk/openai-compatible",
            options: { baseURL: `${origin}/v1`, apiKey: "any" },
            models: { scripted: { name: "scripted" } },
          },
        },
      }),
    }),
    resources: {
      list: { tool: "list_mcp_resources", args: { server: "artifacts" } },
      read: (uri) => ({ tool: "read_mcp_resource", args: { server: "artifacts", uri } }),
    },
  },
  {
    id: "copilot",
    spec: "@github/copilot@1.0.102",
    minNode: 22,
    wire: chat,
    command: ["copilot", "--allow-tool=artifacts", "--no-auto-update", "-p", prompt],
    environment: (origin) => ({
      COPILOT_PROVIDER_BASE_URL: `${origin}/v1`,
      COPILOT_PROVIDER_API_KEY: "any",
      COPILOT_MODEL: "scripted",
      COPILOT_OFFLINE: "true",
    }),
  },
];
