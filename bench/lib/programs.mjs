import { fileURLToPath } from "node:url";

/** The built command. */
export const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** The path of a program in bench/peers. @param {string} name */
export const peer = (name) => fileURLToPath(new URL(`../peers/${name}`, import.meta.url));
