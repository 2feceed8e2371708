/*
 * The keys of rows. They are apart from the schemas of the rows, because the thread that writes to the database needs the
 * keys alone.
 */

export const joined = (...parts: readonly string[]): string => parts.join("\t");
export const artifactPrefix = "artifact\t";
export const artifactKey = (bucket: string, key: string): string => joined("artifact", bucket, key);
/** The parts of a row's key. */
export const partsOf = (key: string): readonly string[] => key.split("\t");
