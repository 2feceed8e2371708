/* Fails at its start, in the place of `digest-thread-program.ts`. */
throw new Error("this program always fails");
