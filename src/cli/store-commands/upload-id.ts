/** Whether a word is written like the id of an upload, which has 32 hex digits. */
export function isUploadId(word: string): boolean {
  return /^[\da-f]{32}$/.test(word);
}
