import type { Calibration } from './report.ts';

const [WIDTH, HEIGHT] = [420, 420];
const FRAME = { left: 56, top: 44, size: 320 };
/** Radius of the point of a bin with all cases. */
const RADIUS = 26;
const SMALLEST = 3;

/** Follows the reader's color scheme. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px }
  .frame, .ideal { fill: none; stroke: #8c959f }
  .ideal { stroke-dasharray: 4 4 }
  .bin { fill: #0969da; fill-opacity: 0.75 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .frame, .ideal { stroke: #7d8590 }
    .bin { fill: #58a6ff }
  }`;

/**
 * Draws a reliability plot as SVG: the confidence that was printed, against the share of the cases in which the suspect was
 * the cause. The area of a point is that of the cases in its bin.
 */
export function calibrationPlot({ bins, cases, error }: Calibration, title: string): string {
  const { left, top, size } = FRAME;
  const [x, y] = [(value: number) => left + size * value, (value: number) => top + size * (1 - value)];
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const points = bins.filter((bin) => bin.cases > 0);
  const radius = (bin: (typeof bins)[number]) => Math.max(SMALLEST, RADIUS * Math.sqrt(bin.cases / cases));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">`,
    `<title id="title">${title}: expected calibration error ${error.toFixed(3)} in ${cases} cases</title>`,
    `<style>${STYLE}\n</style>`,
    `<text class="title" x="${left}" y="24">${title}</text>`,
    `<rect class="frame" x="${left}" y="${top}" width="${size}" height="${size}"/>`,
    `<line class="ideal" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>`,
    ...ticks.flatMap((tick) => [
      `<text x="${x(tick)}" y="${top + size + 18}" text-anchor="middle">${tick}</text>`,
      `<text x="${left - 8}" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
    ]),
    ...points.map(
      (bin) =>
        `<circle class="bin" cx="${x(bin.confidence).toFixed(1)}" cy="${y(bin.share).toFixed(1)}" r="${radius(bin).toFixed(1)}"><title>confidence ${bin.confidence.toFixed(2)}: the cause in ${bin.share.toFixed(2)} of ${bin.cases} cases</title></circle>`,
    ),
    `<text x="${left + size / 2}" y="${HEIGHT - 12}" text-anchor="middle">printed confidence</text>`,
    `<text transform="translate(16 ${top + size / 2}) rotate(-90)" text-anchor="middle">share that was the cause</text>`,
    '</svg>',
    '',
  ].join('\n');
}
