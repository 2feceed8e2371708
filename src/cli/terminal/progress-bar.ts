/** A progress bar on a terminal: one line that is drawn again, at most ten times a second. */
export function createProgressBar(stderr: NodeJS.WritableStream) {
  const width = 30;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const began = Date.now();
  let drawn = 0;
  return {
    show(doneBytes: number, totalBytes: number): void {
      if (Date.now() - drawn < 100) return;
      drawn = Date.now();
      const filled = totalBytes === 0 ? 0 : Math.floor((doneBytes / totalBytes) * width);
      const rate = (doneBytes / 1e6 / Math.max((drawn - began) / 1000, 0.001)).toFixed(0);
      const bar = "#".repeat(filled).padEnd(width, ".");
      const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
      stderr.write(`\r[${bar}] ${percent}%, ${megabytes(doneBytes)} of ${megabytes(totalBytes)}, ${rate} MB/s\u001b[K`);
    },
    /** For work whose end is not known. */
    showCount(files: number, bytes: number): void {
      if (Date.now() - drawn < 100) return;
      drawn = Date.now();
      const rate = (bytes / 1e6 / Math.max((drawn - began) / 1000, 0.001)).toFixed(0);
      stderr.write(`\r${files} ${files === 1 ? "file" : "files"}, ${megabytes(bytes)}, ${rate} MB/s\u001b[K`);
    },
    clear(): void {
      stderr.write("\r\u001b[K");
    },
  };
}
