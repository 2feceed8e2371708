/*
 * The names of the files of a backup:
 *
 *   backup.json                the manifest, which names the file of the records
 *   rows-<digest>.jsonl        the records
 *   content/<ab>/<sha256>      content, once for each digest
 *   .rows.jsonl                rows as they were read, while a backup runs
 */

export const manifestName = "backup.json";
/** Hidden, so that no listing shows it. */
export const spoolName = ".rows.jsonl";
/** @param sha256 of the records */
export const recordsName = (sha256: string): string => `rows-${sha256.slice(0, 16)}.jsonl`;
export const isRecordsName = (name: string): boolean => /^rows-\w+\.jsonl$/.test(name);
export const contentFolder = "content";
export const contentName = (sha256: string): string => `${contentFolder}/${sha256.slice(0, 2)}/${sha256}`;
