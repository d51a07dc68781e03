// Makes the chart of the results: a bar for the ratio of each case, on a logarithmic scale.
// The colours follow the reader's colour scheme.

const WIDTH = 760;
const ROW = 22;
const TOP = 52;
const BOTTOM = 16;
const LABELS = 330;
const FIGURES = 60;

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
  .note { fill: #59636e }
  .same { stroke: #59636e; stroke-dasharray: 3 3 }
  .faster { fill: #1a7f37 }
  .slower { fill: #9a6700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .same { stroke: #9198a1 }
    .faster { fill: #3fb950 }
    .slower { fill: #d29922 }
  }`;

const escaped = (text) =>
  text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * @param {{ case: string, ratio: string }[]} rows
 * @param {string} note the version and platform that were measured
 */
export function svgOf(rows, note) {
  const logs = rows.map(({ ratio }) => Math.log2(ratio));
  const least = Math.min(0, ...logs);
  const most = Math.max(0, ...logs);
  const scale = (WIDTH - LABELS - FIGURES) / (most - least);
  const xOf = (log) => LABELS + (log - least) * scale;
  const same = xOf(0).toFixed(1);
  const height = TOP + rows.length * ROW + BOTTOM;
  const bars = rows.map(({ case: name, ratio }, index) => {
    const y = TOP + index * ROW;
    const [from, to] = [xOf(0), xOf(logs[index])].toSorted((a, b) => a - b);
    const width = Math.max(to - from, 1).toFixed(1);
    return `  <text x="${LABELS - 10}" y="${y + 15}" text-anchor="end">${escaped(name)}</text>
  <rect class="${logs[index] < 0 ? 'slower' : 'faster'}" x="${from.toFixed(1)}" y="${y + 3}" width="${width}" height="${ROW - 6}" rx="2"/>
  <text x="${(to + 6).toFixed(1)}" y="${y + 15}">${ratio}×</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
  <title>How many times as fast as node:wasi each call is</title>
  <style>${STYLE}
  </style>
  <text x="${LABELS - 10}" y="18" text-anchor="end">node:wasi = 1</text>
  <text class="note" x="${LABELS - 10}" y="38" text-anchor="end">on a logarithmic scale</text>
  <text class="note" x="${WIDTH - 8}" y="18" text-anchor="end">${escaped(note)}</text>
  <line class="same" x1="${same}" y1="${TOP - 8}" x2="${same}" y2="${height - BOTTOM + 4}"/>
${bars.join('\n')}
</svg>
`;
}
