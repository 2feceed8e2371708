import type { Log } from "../../src/store/ports/log.js";

export const silentLog: Log = () => undefined;
