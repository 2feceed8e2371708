// Prints lines and a progress bar. On a terminal the bar is redrawn in place; elsewhere it is a few plain lines.
// With FORCE_COLOR set, any output counts as a terminal.

const margin = "   ";
const longestLine = 100;
const styles = { bold: 1, dim: 2, red: 31, green: 32 };

/** @param {number} count */
export const number = (count) => count.toLocaleString("en-US");

/** @typedef {ReturnType<typeof createScreen>} Screen */

/** @param {NodeJS.WriteStream} out */
export function createScreen(out) {
  const isTerminal = Boolean(process.env.FORCE_COLOR) || (out.isTTY === true && process.env.TERM !== "dumb");
  const isColoured = isTerminal && !process.env.NO_COLOR;
  let headings = 0;
  let isOnBar = false;
  let hasEnded = false;

  /** @param {string} text */
  function write(text) {
    if (hasEnded) return;
    out.write(isOnBar ? `\n${text}` : text);
    isOnBar = false;
  }

  /** @param {keyof typeof styles} style @param {string} text */
  const styled = (style, text) => (isColoured ? `\x1b[${styles[style]}m${text}\x1b[0m` : text);

  /** @param {number} done @param {number} total */
  function bar(done, total) {
    const share = total === 0 ? 1 : done / total;
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    const count = `${number(done).padStart(number(total).length)} of ${number(total)} bytes`;
    if (!isTerminal) return `${percent}  ${count}`;
    const width = Math.max(10, Math.min(30, (out.columns || 80) - percent.length - count.length - 8));
    const full = Math.floor(share * width);
    return `${styled("green", "█".repeat(full))}${"░".repeat(width - full)} ${percent}  ${count}`;
  }

  return {
    /** @param {string} text */
    title: (text) => write(`${styled("bold", text)}\n`),

    /** @param {string} text */
    heading(text) {
      headings += 1;
      write(`\n${styled("bold", `${headings}. ${text}`)}\n`);
    },

    /** @param {string} text @param {keyof typeof styles} [style] */
    line: (text, style) => write(`${margin}${style ? styled(style, text) : text}\n`),

    /** Prints text of others, and cuts it if it is long. @param {string} text */
    quote(text) {
      const cut = text.length > longestLine ? `${text.slice(0, longestLine - 3)}...` : text;
      write(`${margin}${margin}${styled("dim", cut)}\n`);
    },

    /** Prints text without a margin, so that it can be copied. @param {string} text */
    block: (text) => write(`\n${text}\n\n`),

    /** @param {readonly (readonly [label: string, value: string])[]} rows */
    table(rows) {
      const width = Math.max(...rows.map(([label]) => label.length));
      for (const [label, value] of rows) write(`${margin}${label.padEnd(width)}  ${value}\n`);
    },

    /** Returns a function that shows the progress each time it is called. @param {number} from @param {number} total */
    progress(from, total) {
      const quarter = (/** @type {number} */ at) => Math.floor((at / total) * 4);
      let last = quarter(from);
      return (/** @type {number} */ done) => {
        if (hasEnded) return;
        if (isTerminal) {
          out.write(`\r${margin}${bar(done, total)}`);
          isOnBar = true;
        } else if (quarter(done) > last) {
          last = quarter(done);
          write(`${margin}${bar(done, total)}\n`);
        }
      };
    },

    /** Prints nothing from now on: a demo that was stopped may still come to its next line. */
    end() {
      if (isOnBar) write("");
      hasEnded = true;
    },
  };
}
