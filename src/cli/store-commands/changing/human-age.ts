const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
] as const;

/** Seconds as they are given on the command line, with the largest unit that is exact: "30d", "36h", "90s". */
export function humanAge(seconds: number): string {
  const [unit, size] = units.find(([, each]) => seconds % each === 0) ?? ["s", 1];
  return `${seconds / size}${unit}`;
}
