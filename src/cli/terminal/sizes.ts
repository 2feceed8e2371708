const units = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A number of bytes for a person, in at most four digits: "999 B", "1.2 KiB", "340 MiB". */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let size = bytes / 1024;
  let at = 0;
  // A size that would be shown as 1024 is one of the next unit.
  while (Math.round(size) >= 1024 && at < units.length - 1) {
    size /= 1024;
    at += 1;
  }
  return `${Math.round(size * 10) < 100 ? size.toFixed(1) : size.toFixed(0)} ${units[at]}`;
}
