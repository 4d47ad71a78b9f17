import { html } from 'hono/html';
import type { Curve } from '../../core/domain/correlation/evidence.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import { type Html, switchedTime } from './parts.ts';
import {
  domainOf,
  gapSecondsOf,
  gapsOf,
  type Mark,
  NUMBER,
  type Plot,
  secondsIn,
  outlineOf,
  timeOf,
  valueOf,
  visiblePoints,
} from './plot-chart.ts';
import { drawing } from './plot-picture.ts';

export { type Mark, type Plot, SHARE, type Unit } from './plot-chart.ts';

/** Rows of the table of data, without those of marks. */
const ROWS_MAX = 60;

/** Draws a plot on the server, with its data in a table behind it. A script makes it interactive: `assets/plots.ts`. */
export const plot = (chart: Plot): Html =>
  html`<figure class="plot" id="${chart.id}-plot" data-plot="${plotData(chart)}">
    ${(['wide', 'narrow'] as const).map((size) => drawing(chart, size))} ${legend(chart)}
    ${
      chart.table === null
        ? ''
        : html`<details id="${chart.id}-data">
            <summary>Data as a table</summary>
            ${chart.table ?? dataTables(chart)}
          </details>`
    }
  </figure>`;

function legend(chart: Plot): Html | '' {
  const lines =
    chart.beside === undefined ? [] : [chart.beside.ownName, ...chart.beside.others.map(({ name }) => name)];
  const limits = [
    ...(chart.limit === null ? [] : [`${chart.limitName ?? 'limit'} ${valueOf(chart.limit, chart)}`]),
    ...(chart.lower === undefined ? [] : [`${chart.lower.name} ${valueOf(chart.lower.value, chart)}`]),
  ];
  const { name = '', marks, lanes = [] } = chart;
  if (lines.length + limits.length + marks.length + lanes.length + name.length === 0) return '';
  const dash = (kind: string): Html =>
    html`<svg class="mark ${kind}" viewBox="-8 -8 16 16" aria-hidden="true"><path d="M-8,0H8" /></svg>`;
  return html`<ul class="legend">
    ${name === '' ? '' : html`<li>${BAR} ${name}</li>`}
    ${lines.map((one, n) => html`<li>${dash(n === 0 ? 'solid' : `dashed line-${n}`)} ${one}</li>`)}
    ${marks.map(
      (mark) => html`<li>${symbolOf(mark.kind)} ${mark.label} ${timeIn(chart, mark.at)}${boundsText(mark, chart)}</li>`,
    )}
    ${lanes.map((lane) => html`<li>${symbolOf(lane.kind)} ${lane.name}: ${lane.at.length}</li>`)}
    ${limits.map((text) => html`<li>${dash('limit')} ${text}</li>`)}
  </ul>`;
}

/** Says within which times a mark lies, which the picture shows in grey. Empty: its time is known. */
function boundsText({ from, until }: Mark, chart: Plot): Html | '' {
  if (from === undefined || until === undefined || timeOf(from, chart) === timeOf(until, chart)) return '';
  return html`, between ${timeIn(chart, from)} and ${timeIn(chart, until)} (grey)`;
}

const timeIn = (chart: Plot, at: Timestamp): Html => switchedTime(at, timeOf(at, chart));

const BAR = html`<svg class="bars" viewBox="-8 -8 16 16" aria-hidden="true">
  <rect x="-5" y="-8" width="10" height="16" />
</svg>`;

const symbolOf = (kind: Mark['kind']): Html =>
  html`<svg class="mark ${kind}" viewBox="-8 -8 16 16" aria-hidden="true"><path d="${outlineOf(kind)}" /></svg>`;

/** Points of a curve that the script gets at most, a few for each pixel of a wide screen. */
const DATA_COLUMNS = 600;

/** Returns what the script draws with uPlot, as JSON. Times are seconds since `from`. It takes marks and limits from the picture. */
function plotData(chart: Plot): string {
  const { from, until, unit = NUMBER, lanes = [], beside, forecast, days } = chart;
  const seconds = (at: Timestamp): number => secondsIn(chart, at);
  const span = Math.max(1, millisOf(until) - millisOf(from));
  const lineOf = (name: string, curve: Curve): [string, number[], number[]] => {
    const points = visiblePoints(
      curve
        .filter(([at]) => at >= from && at <= until)
        .map(([at, value]) => ({ at: seconds(at), value: Number(value.toPrecision(4)) })),
      (at) => Math.floor(((at * 1000) / span) * DATA_COLUMNS),
    ).filter((point) => point !== null);
    return [name, points.map(({ at }) => at), points.map(({ value }) => value)];
  };
  const gap = gapSecondsOf(chart);
  return JSON.stringify({
    from: millisOf(from) / 1000,
    seconds: seconds(until),
    y: domainOf(chart),
    lines: [
      lineOf(beside?.ownName ?? chart.name ?? '', chart.curve),
      ...(beside?.others ?? []).map(({ name, curve }) => lineOf(name, curve)),
      ...(forecast === undefined ? [] : [lineOf('forecast', forecast)]),
    ],
    lanes: lanes.map(({ name, at }) => [name, at.map(seconds)]),
    unit,
    gap: Number.isFinite(gap) ? gap : null,
    ...(days !== undefined && { days }),
    ...(chart.shape === 'bars' && { bars: true }),
    ...(chart.dots === true && { dots: true }),
    ...(chart.group !== undefined && { group: chart.group }),
  });
}

/** Shows the data of each line of a plot. */
export function dataTables(chart: Plot): Html {
  const { title, beside } = chart;
  if (beside === undefined) return dataTable(chart);
  const others = beside.others.map(({ name, curve }) =>
    dataTable({ ...chart, title: `${title}, ${name}`, curve, marks: [] }),
  );
  return html`${dataTable({ ...chart, title: `${title}, ${beside.ownName}` })}${others}`;
}

/** Shows the highest value of each stretch of time, the gaps, and the marks, in order. */
function dataTable(chart: Plot): Html {
  const { title, curve, from, until: end, limit, marks } = chart;
  const shown = curve.filter(([at]) => at >= from && at <= end);
  const perRow = Math.max(1, Math.ceil(shown.length / ROWS_MAX));
  const highest = [...Map.groupBy(shown.entries(), ([n]) => Math.floor(n / perRow)).values()].map((group) =>
    group.map(([, sample]) => sample).reduce((top, sample) => (sample[1] > top[1] ? sample : top)),
  );
  const rows = [
    ...highest.map(([at, value]) => ({
      at,
      text: `${valueOf(value, chart)}${limit !== null && value > limit ? ', above the limit' : ''}`,
    })),
    ...gapsOf(shown, gapSecondsOf(chart)).map(([at, until]) => ({
      at,
      text: html`no samples until ${timeIn(chart, until)}`,
    })),
    ...marks.map(({ at, label }) => ({ at, text: label })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
  return html`<div class="scrolled" tabindex="0" role="region" aria-label="Data of the plot: ${title}">
    <table>
      <caption>
        ${title}${perRow === 1 ? '' : `: the highest of each ${perRow} samples`}
      </caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Value or event</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ at, text }) =>
            html`<tr>
              <td class="when">${timeIn(chart, at)}</td>
              <td>${text}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
