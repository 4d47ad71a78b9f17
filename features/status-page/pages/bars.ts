import { html } from 'hono/html';
import { type Day, UPTIME_DAYS, type Uptime } from '../decisions/uptime.ts';
import type { ComponentStatus } from '../schemas/states.ts';
import type { Html } from '../../../entrances/console/parts.ts';
import { minutesOf, percentOf, STATE_WORDS } from '../decisions/words.ts';

/** Width of a day in units of the picture: a bar has three, and the gap after it one, as the dashes in the stylesheet. */
const DAY_WIDTH = 4;
const HEIGHT = 30;

/**
 * Vertical centers of the lines that draw a state; the stylesheet has their widths. The worse the state, the taller its
 * bar, so that states differ without color. Maintenance has two short bars, because it is not an outage.
 */
const LINE_MIDDLES: Readonly<Record<ComponentStatus | 'none', readonly number[]>> = {
  none: [28],
  operational: [22.5],
  under_maintenance: [17.5, 27.5],
  degraded_performance: [20],
  partial_outage: [17.5],
  major_outage: [15],
};

/** Shows the uptime of a component as bars with text, and the days that were not operational as a table. */
export const uptimeBars = (name: string, { days, share }: Uptime): Html => {
  const problems = days.filter(({ minutes }) => Object.keys(minutes).length > 0);
  const withData = days.filter(({ state }) => state !== null).length;
  const text = share === null ? 'less than a day of data' : `${percentOf(share)} uptime`;
  return html`<svg
      class="bars"
      viewBox="0 0 ${UPTIME_DAYS * DAY_WIDTH - 1} ${HEIGHT}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${name}: ${text}${share === null ? '' : ` in the last ${withData} days`}, ${dayCount(problems.length)} with incidents or maintenance"
    >
      ${[...pathsOf(days)].map(([state, path]) => html`<path class="${state}" d="${path}" />`)}
    </svg>
    <div class="scale"><span>${UPTIME_DAYS} days ago</span><span>${text}</span><span>Today</span></div>
    ${problems.length === 0 ? '' : problemDays(problems)}`;
};

/** Draws the days of a state as dashed lines, one for each run of days, which keeps a page with many components small. */
function pathsOf(days: readonly Day[]): Map<string, string> {
  const paths = new Map<string, string>();
  let run = 0;
  for (const [index, { state }] of days.entries()) {
    if (index + 1 < days.length && days[index + 1]?.state === state) {
      run += 1;
      continue;
    }
    const kind = state ?? 'none';
    const lines = LINE_MIDDLES[kind].map(
      (middle) => `M${(index - run) * DAY_WIDTH} ${middle}h${run * DAY_WIDTH + DAY_WIDTH - 1}`,
    );
    paths.set(kind, (paths.get(kind) ?? '') + lines.join(''));
    run = 0;
  }
  return paths;
}

const problemDays = (days: readonly Day[]): Html =>
  html`<details>
    <summary>${dayCount(days.length)} with incidents or maintenance</summary>
    <table>
      <thead>
        <tr>
          <th scope="col">Day</th>
          <th scope="col">Duration</th>
        </tr>
      </thead>
      <tbody>
        ${days.toReversed().map(
          ({ date, minutes }) =>
            html`<tr>
              <th scope="row">${date}</th>
              <td>${durations(minutes)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;

const dayCount = (count: number): string => (count === 1 ? '1 day' : `${count} days`);

const durations = (minutes: Day['minutes']): string =>
  (Object.entries(minutes) as [ComponentStatus, number][])
    .map(([state, length]) => `${STATE_WORDS[state]}: ${minutesOf(length)}`)
    .join(', ');
