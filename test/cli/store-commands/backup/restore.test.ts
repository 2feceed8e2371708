import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { restore } from "../../../../src/cli/store-commands/backup/restore.js";
import { messageForCommand } from "../../../../src/cli/store-commands/message-for-command.js";
import type { StoreCommandContext } from "../../../../src/cli/store-commands/store-command.js";
import { toArtifactError } from "../../../../src/engines/engine-error.js";
import { ArtifactError } from "../../../../src/store/model/errors.js";
import { temporaryDirectory } from "../../../support/directories.js";
import { silentLog } from "../../../support/silent-log.js";

it("a restore onto a full disk says to make room on the disk, not to delete what was restored", async () => {
  const above = await temporaryDirectory();
  const path = join(above, "backup");
  await mkdir(path);
  await writeFile(join(path, "backup.json"), "{}");
  const full = toArtifactError(Object.assign(new Error("no space"), { code: "ENOSPC" }));
  const context = {
    config: { command: "restore", words: [path], options: new Map(), root: "/the/store" },
    store: { restore: () => Promise.reject(full) },
    log: silentLog,
  } as unknown as StoreCommandContext;
  const error = await restore.run(context).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ArtifactError);
  const message = messageForCommand(error);
  expect(message).toContain("disk is full (/the/store): free disk space");
  expect(message).not.toContain("artifacts-mcp rm");
});
