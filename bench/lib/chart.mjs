// Draws the targets as bars, which show how far above or below its target each value is.

const row = 22;
const labels = 430;
const width = 900;
/** The axis, in powers of two around the target. */
const reach = 3;

/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Returns how many times as good as its target a value is: at least 1 if the target is met. @param {import("./report.mjs").Target} target */
function scoreOf({ value, wanted }) {
  return "atLeast" in wanted ? value / wanted.atLeast : wanted.atMost / value;
}

/** @param {number} score */
function positionOf(score) {
  const power = Math.max(-reach, Math.min(reach, Math.log2(score)));
  return labels + ((power + reach) / (2 * reach)) * (width - labels - 50);
}

/** @param {readonly import("./report.mjs").Target[]} targets */
export function chart(targets) {
  const height = (targets.length + 3) * row;
  const middle = positionOf(1);
  const bars = targets.map((target, n) => {
    const [y, end] = [(n + 1.5) * row, positionOf(scoreOf(target))];
    const color = scoreOf(target) >= 1 ? "#2a8f5b" : "#c2572c";
    const label = escaped(`${target.work}, against ${target.against}`.slice(0, 78));
    return [
      `<text x="${labels - 8}" y="${y + 14}" text-anchor="end">${label}</text>`,
      `<rect x="${Math.min(middle, end).toFixed(1)}" y="${y + 3}" width="${Math.max(1, Math.abs(end - middle)).toFixed(1)}" height="${row - 7}" fill="${color}"/>`,
      `<text x="${(Math.max(middle, end) + 5).toFixed(1)}" y="${y + 14}">${scoreOf(target).toFixed(2)}</text>`,
    ].join("");
  });
  const axis = Array.from({ length: 2 * reach + 1 }, (_, n) => n - reach).map((power) => {
    const x = positionOf(2 ** power).toFixed(1);
    const name = power < 0 ? `1/${2 ** -power}` : String(2 ** power);
    return `<line x1="${x}" x2="${x}" y1="${row}" y2="${height - row}" stroke="#ddd"/><text x="${x}" y="${height - 6}" text-anchor="middle">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" role="img">
<title>What was measured, as a multiple of each target</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${labels - 8}" y="14" text-anchor="end" font-weight="bold">measured : target (1 and more is met)</text>
${axis.join("\n")}
${bars.join("\n")}
<line x1="${middle}" x2="${middle}" y1="${row}" y2="${height - row}" stroke="#333"/>
</svg>
`;
}
