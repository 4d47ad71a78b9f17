const [WIDTH, HEIGHT] = [720, 260];
const FRAME = { left: 60, top: 40, width: 640, height: 170 };
const STEP_MB = 100;
const STEP_SECONDS = 30;

/** Follows the reader's color scheme. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px }
  .frame { fill: none; stroke: #8c959f }
  .memory { fill: none; stroke: #0969da; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .frame { stroke: #7d8590 }
    .memory { stroke: #58a6ff }
  }`;

/** Draws the memory of a process in each second as SVG. */
export function memoryPlot(megabytes: readonly number[], title: string): string {
  const { left, top, width, height } = FRAME;
  const most = STEP_MB * Math.ceil(Math.max(...megabytes) / STEP_MB);
  const x = (second: number) => (left + (width * second) / (megabytes.length - 1)).toFixed(1);
  const y = (value: number) => (top + height * (1 - value / most)).toFixed(1);
  const steps = (last: number, step: number) => Array.from({ length: Math.floor(last / step) + 1 }, (_, n) => n * step);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">`,
    `<title id="title">${title}: ${Math.round(megabytes[0] ?? 0)} MB at first, ${Math.round(Math.max(...megabytes))} MB at most, ${Math.round(megabytes.at(-1) ?? 0)} MB at the end</title>`,
    `<style>${STYLE}\n</style>`,
    `<text class="title" x="${left}" y="24">${title}</text>`,
    `<rect class="frame" x="${left}" y="${top}" width="${width}" height="${height}"/>`,
    ...steps(megabytes.length - 1, STEP_SECONDS).map(
      (second) => `<text x="${x(second)}" y="${top + height + 18}" text-anchor="middle">${second}</text>`,
    ),
    ...steps(most, STEP_MB).map(
      (value) => `<text x="${left - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`,
    ),
    `<polyline class="memory" points="${megabytes.map((value, second) => `${x(second)},${y(value)}`).join(' ')}"/>`,
    `<text x="${left + width / 2}" y="${HEIGHT - 10}" text-anchor="middle">seconds</text>`,
    `<text transform="translate(16 ${top + height / 2}) rotate(-90)" text-anchor="middle">MB</text>`,
    '</svg>',
    '',
  ].join('\n');
}
