import { describe, expect, it } from "vitest";
import { completionScript } from "../../../src/cli/completion/completion-script.js";
import { commandWords, shells } from "../../../src/cli/options/command-names.js";
import { optionNames } from "../../../src/cli/options/option-table.js";

describe.each(shells)("the script for %s", (shell) => {
  const script = completionScript(shell);

  it("has every command and every option", () => {
    for (const command of commandWords) expect(script).toMatch(new RegExp(`\\b${command}\\b`));
    const prefix = shell === "fish" ? "-l " : "--";
    expect(optionNames.filter((name) => !script.includes(`${prefix}${name}`))).toEqual([]);
  });

  it("has the values of options that have a few", () => {
    expect(script).toContain("newest oldest largest smallest key");
    expect(script).toContain("debug info warn error");
  });
});
