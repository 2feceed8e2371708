import packageJson from "../../../package.json" with { type: "json" };
import { startCommand } from "../start-command.js";

/** The text for a person who starts the server on a terminal, where no host talks to it. */
export function greeting(root: string): string {
  const [node, script] = [process.execPath, process.argv[1]];
  const entry = { mcpServers: { artifacts: { command: node, args: [script, "--root", root] } } };
  return `
artifacts-mcp ${packageJson.version} keeps files for AI agents in ${root}.
It is waiting for an MCP host to talk to it on stdin; it is not meant to be typed at.
To connect a host, run \`${startCommand()} setup HOST --write\`, or put this into its configuration:

${JSON.stringify(entry, null, 2)}

End it with Ctrl-D or Ctrl-C. Options: ${startCommand()} --help

`;
}
