import { copyCommand } from "./copy-command.js";

export const cp = copyCommand(false);
