// Draws lines of a terminal, with their colours, as an SVG.

const fontSize = 13;
const columnWidth = 7.8;
const lineHeight = 18;
const margin = 20;
const titleHeight = 36;
const colors = { back: "#16181d", bar: "#23262e", text: "#d5d9e0", title: "#8b93a1" };

/** How each style of screen.mjs looks, by its escape code. @type {Readonly<Record<string, string>>} */
const styles = {
  1: 'fill="#ffffff" font-weight="bold"',
  2: 'fill="#8b93a1"',
  31: 'fill="#ff7b72"',
  32: 'fill="#5fd68b"',
};

/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * Cuts a line into runs of one style each.
 *
 * @param {string} line @returns {{ style: string, text: string, column: number }[]}
 */
function runsOf(line) {
  // Every second part is an escape code: `ESC [ code m`.
  const [first = "", ...rest] = line.split(new RegExp(`${String.fromCharCode(27)}\\[(\\d+)m`));
  const runs = [{ style: "", text: first, column: 0 }];
  for (let at = 0; at < rest.length; at += 2) {
    const before = /** @type {{ text: string, column: number }} */ (runs.at(-1));
    const column = before.column + before.text.length;
    runs.push({ style: styles[rest[at] ?? ""] ?? "", text: rest[at + 1] ?? "", column });
  }
  return runs.filter(({ text }) => text.trim() !== "");
}

/**
 * Draws one run. `textLength` keeps the columns in line with any font.
 *
 * @param {{ style: string, text: string, column: number }} run @param {number} y
 */
function drawRun({ style, text, column }, y) {
  const indent = text.length - text.trimStart().length;
  const shown = text.trim();
  const x = (margin + (column + indent) * columnWidth).toFixed(1);
  const length = (shown.length * columnWidth).toFixed(1);
  const look = style === "" ? "" : ` ${style}`;
  return `<text x="${x}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"${look}>${escaped(shown)}</text>`;
}

/**
 * Returns the SVG of a terminal window.
 *
 * @param {string} title @param {readonly string[]} lines may have the escape codes of `styles`
 */
export function drawTerminal(title, lines) {
  const rows = lines.map(runsOf);
  const columns = Math.max(...rows.flat().map(({ text, column }) => column + text.length));
  const width = Math.ceil(columns * columnWidth + 2 * margin);
  const height = titleHeight + lines.length * lineHeight + 2 * margin;
  const text = rows.flatMap((runs, row) => {
    const y = titleHeight + margin + row * lineHeight + fontSize;
    return runs.map((run) => drawRun(run, y));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${fontSize}" fill="${colors.text}" role="img">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="10" fill="${colors.back}"/>
<path d="M0 ${titleHeight}V10A10 10 0 0 1 10 0H${width - 10}A10 10 0 0 1 ${width} 10V${titleHeight}Z" fill="${colors.bar}"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
<text x="${width / 2}" y="23" text-anchor="middle" fill="${colors.title}">${escaped(title)}</text>
${text.join("\n")}
</svg>
`;
}
