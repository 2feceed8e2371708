import { describe, expect, it } from "vitest";
import { optionsPage } from "../../../scripts/docs/options-page.js";
import { readCommand } from "../../../src/cli/options/command-line.js";
import { commandWords } from "../../../src/cli/options/command-names.js";
import { optionNames, options, variableOf } from "../../../src/cli/options/option-table.js";
import { usage, usageOf } from "../../../src/cli/options/usage.js";

describe("docs/options.md", () => {
  it("names every option and every environment variable, and --help every option", () => {
    for (const name of optionNames) {
      expect([usage, ...commandWords.map(usageOf)].join()).toContain(`--${name}`);
      expect(optionsPage()).toContain(`--${name}`);
      expect(optionsPage()).toContain(variableOf(name) ?? name);
    }
  });
});

describe("the table of options", () => {
  it("shows the defaults that the server has", () => {
    const shown = ["keep-versions", "session-ttl", "max-chunk-bytes", "max-open-sessions", "log-level"] as const;
    const args = shown.flatMap((name) => [`--${name}`, options[name].defaultText ?? ""]);
    expect(readCommand(["--root", "/x", ...args], {})).toEqual(readCommand(["--root", "/x"], {}));
  });

  it.each(optionNames.filter((name) => options[name].example?.startsWith("--")))(
    "has an example of --%s that the command line accepts",
    (name) => {
      const command = readCommand((options[name].example ?? "").split(" "), { HOME: "/home" });
      expect(command.kind).toBe("serve");
    },
  );
});
