import { copyCommand } from "./copy-command.js";

export const mv = copyCommand(true);
