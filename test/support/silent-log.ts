import type { Log } from "../../src/store/log.js";

export const silentLog: Log = () => undefined;
