import { hosts } from "../../src/cli/setup/hosts.js";
import { toml } from "../../src/cli/setup/toml-config.js";

/** Makes the files in examples/hosts: the configuration of each host, as `setup` would write it into an empty file. */
export function hostExamples(): { readonly path: string; readonly text: string }[] {
  return hosts.map((host) => {
    const entry = { ...host.entry("/usr/bin/node", ["/path/to/artifacts-mcp/dist/main.js"]), ...host.initial };
    const text = host.format.write("", host.section, "artifacts", entry);
    return { path: `examples/hosts/${host.id}.${host.format === toml ? "toml" : "json"}`, text };
  });
}
