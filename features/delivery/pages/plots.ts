import { html } from 'hono/html';
import { duration, share } from '../../../core/domain/reports/words.ts';
import { type Cells, type Html, nothing, panel, tableOf } from '../../../entrances/console/parts.ts';
import { type Plot, plot, SHARE, type Unit } from '../../../entrances/console/plot.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { ENOUGH_RECORDS } from '../decisions/figures.ts';
import type { Week } from '../decisions/trend.ts';
import { DAYS_SHOWN } from '../reports.ts';
import type { DeliveryData } from './data.ts';

const DAY_SECONDS = 24 * 3600;
const TREND_HEIGHT = 110;

/** Shows the deploys of each day, with rollbacks and incidents over them. */
export function daysPanel({ days, events: { rollbacks, incidents } }: Pick<DeliveryData, 'days' | 'events'>): Html {
  const [first, last] = [days[0]?.until, days.at(-1)?.until];
  const isEmpty = days.every((day) => day.deploys + day.failed + day.rollbacks + day.incidents === 0);
  if (isEmpty || first === undefined || last === undefined)
    return panel(
      'days',
      `Deploys and incidents of ${DAYS_SHOWN} days`,
      null,
      nothing(
        html`No deploy of this selection is recorded in ${DAYS_SHOWN} days. CI systems record deploys with
          <code>firebreak deploy record</code>.`,
      ),
    );
  const from = plusSeconds(first, -DAY_SECONDS);
  const shown = (all: readonly Timestamp[]): Timestamp[] => all.filter((at) => at >= from);
  return panel(
    'days',
    `Deploys and incidents of ${DAYS_SHOWN} days`,
    null,
    plot({
      id: 'deploys-by-day',
      title: 'Deploys per day',
      name: 'deploys',
      curve: days.map((day) => [day.until, day.deploys]),
      from,
      until: last,
      shape: 'bars',
      days: 1,
      limit: null,
      marks: [],
      lanes: [
        { kind: 'alert', name: 'incidents', at: shown(incidents) },
        { kind: 'rollback', name: 'rollbacks', at: shown(rollbacks) },
      ],
      gapSeconds: Infinity,
      height: 190,
      table: tableOf(
        'Deploys and incidents by day',
        ['Day (UTC)', 'Deploys', 'Failed', 'Rollbacks', 'Incidents'],
        days
          .toReversed()
          .map(({ until, ...day }): Cells => [
            plusSeconds(until, -1).slice(0, 10),
            ...[day.deploys, day.failed, day.rollbacks, day.incidents].map(String),
          ]),
      ),
    }),
  );
}

/** Shows the four key figures of each week. A week without enough records for a figure has none, as the table says. */
export function trendsPanel({ weeks }: Pick<DeliveryData, 'weeks'>): Html {
  const title = `Trends of ${weeks.length} weeks`;
  const [first, last] = [weeks[0]?.until, weeks.at(-1)?.until];
  const isEmpty = weeks.every(
    ({ figures }) => figures.deployment_frequency.deploys + figures.change_failure_rate.deploys === 0,
  );
  if (isEmpty || first === undefined || last === undefined)
    return panel('trends', title, null, nothing(`No deploy of this selection is recorded in ${weeks.length} weeks.`));
  const trend = (name: string, more: Pick<Plot, 'id' | 'curve'> & Partial<Plot>): Html =>
    html`<h3 class="plot-title">${name}</h3>
      ${
        more.curve.length === 0
          ? nothing('No week has enough records.')
          : plot({
              title: `${name}, by week`,
              from: plusSeconds(first, -7 * DAY_SECONDS),
              until: last,
              limit: null,
              marks: [],
              days: 7,
              dots: true,
              gapSeconds: 7.5 * DAY_SECONDS,
              height: TREND_HEIGHT,
              group: 'trends',
              table: null,
              ...more,
            })
      }`;
  const curveOf = (key: 'lead_s' | 'fail_rate' | 'recovery_s'): [Timestamp, number][] =>
    weeks.flatMap((week) => (week[key] === null ? [] : [[week.until, week[key]]]));
  return panel(
    'trends',
    title,
    null,
    html`${trend('Deploys', {
        id: 'trend-deploys',
        curve: weeks.map(({ until, figures }) => [until, figures.deployment_frequency.deploys]),
        shape: 'bars',
        dots: false,
      })}
      ${trend('Change lead time (median)', { id: 'trend-lead', ...inTimeUnit(curveOf('lead_s')) })}
      ${trend('Change fail rate', { id: 'trend-fail-rate', curve: curveOf('fail_rate'), unit: SHARE })}
      ${trend('Failed deployment recovery time (median)', {
        id: 'trend-recovery',
        ...inTimeUnit(curveOf('recovery_s')),
      })}
      <p class="quiet">
        A week with fewer than ${ENOUGH_RECORDS} records of a figure has no value, and no line goes through it.
      </p>
      <details id="trends-data">
        <summary>Data as a table</summary>
        ${tableOf('Figures by week', ['7 days to (UTC)', 'Deploys', 'Lead time', 'Fail rate', 'Recovery'], weeks.toReversed().map(weekCells))}
      </details>`,
  );
}

const weekCells = ({ until, figures, lead_s, fail_rate, recovery_s }: Week): Cells => {
  const text = (value: number | null, words: (value: number) => string, records: number): string =>
    value !== null ? words(value) : records === 0 ? 'no data' : `too few (${records})`;
  const { lead_time: lead, change_failure_rate: failed, failed_deployment_recovery: recovery } = figures;
  return [
    until.slice(0, 10),
    String(figures.deployment_frequency.deploys),
    text(lead_s, duration, lead.commits),
    text(fail_rate, (value) => `${share(value)} of ${failed.deploys}`, failed.deploys),
    text(recovery_s, duration, recovery.recovered),
  ];
};

/** Returns a curve of seconds in the largest unit of time in which its highest value is at least two, so that the axis has round values. */
function inTimeUnit(curve: readonly (readonly [Timestamp, number])[]): { curve: [Timestamp, number][]; unit: Unit } {
  const highest = Math.max(0, ...curve.map(([, seconds]) => seconds));
  const [suffix, seconds] = UNITS.find(([, of]) => highest >= 2 * of) ?? ['s', 1];
  return { curve: curve.map(([at, value]) => [at, value / seconds]), unit: { factor: 1, suffix: ` ${suffix}` } };
}

const UNITS = [
  ['d', DAY_SECONDS],
  ['h', 3600],
  ['min', 60],
] as const;
