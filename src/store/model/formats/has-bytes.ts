/** Whether the bytes at this index are the text, as Latin-1. */
export function hasBytes(bytes: Buffer, at: number, text: string): boolean {
  return bytes.length >= at + text.length && bytes.toString("latin1", at, at + text.length) === text;
}
