import type { ExperimentStory } from '../actions/record-experiment.ts';
import { isOutside, limitsText, numberText } from '../decisions/conclusion.ts';
import type { Curve } from '../../../core/domain/correlation/evidence.ts';
import type { Observation } from '../experiment.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { type Cells, clockTime, type Html, tableOf } from '../../../entrances/console/parts.ts';
import { type Mark, plot } from '../../../entrances/console/plot.ts';

/** Maximum number of measurements that the workflow takes of the steady state. */
const STEADY_STATE_POINTS = 60;

/** The curve has a gap after this many intervals without a measurement. */
const GAP_MEASUREMENTS = 2.5;

/** Minimum time that the plot shows: right after it is recorded, an experiment has a time span of zero. */
const SHOWN_SECONDS_MIN = 60;

const ROWS_MAX = 60;
const ALERTS_MARKED_MAX = 3;

type Check = ExperimentStory['checks'][number];
type Value = { at: Timestamp; phase: Observation['phase']; value: number | null; detail: string };

/** Draws the measurements of a check, with its limits, and the start and end of the experiment. */
export function checkPlot(id: string, check: Check, story: ExperimentStory, at: Timestamp): Html {
  const values = story.observations.flatMap(({ at: measuredAt, phase, values: all }): Value[] =>
    all
      .filter(({ name }) => name === check.name)
      .map(({ value, detail }) => ({ at: measuredAt, phase, value, detail })),
  );
  const curve: Curve = values.flatMap((measurement) =>
    measurement.value === null ? [] : [[measurement.at, measurement.value] as const],
  );
  const from = earliest([values[0]?.at ?? story.created_at, story.started_at ?? story.created_at]);
  const until = story.ended_at ?? at;
  const { min, max } = check;
  const intervalSeconds = Math.max(story.interval_seconds, story.steady_state_seconds / STEADY_STATE_POINTS);
  return plot({
    id,
    title: `${check.name}, ${limitsText(check)}`,
    curve,
    from,
    until: latest([until, plusSeconds(from, SHOWN_SECONDS_MIN)]),
    limit: max ?? min,
    limitName: max === null ? 'at least' : 'at most',
    ...(min !== null && max !== null && { lower: { value: min, name: 'at least' } }),
    format: numberText,
    gapSeconds: GAP_MEASUREMENTS * intervalSeconds,
    marks: marksOf(story, at),
    table: valuesTable(check, values, at),
  });
}

const latest = (times: readonly Timestamp[]): Timestamp => times.reduce((one, other) => (other > one ? other : one));
const earliest = (times: readonly Timestamp[]): Timestamp => times.reduce((one, other) => (other < one ? other : one));

function marksOf(
  { started_at: started, stopped_at: stopped, ended_at: ended, alerts }: ExperimentStory,
  at: Timestamp,
): Mark[] {
  return [
    ...(started === null ? [] : [{ kind: 'deploy', at: started, label: 'started' } as const]),
    ...alerts.slice(0, ALERTS_MARKED_MAX).map((alert): Mark => ({ kind: 'alert', at: alert.at, label: alert.title })),
    ...(stopped === null ? [] : [{ kind: 'rollback', at: stopped, label: 'stopped' } as const]),
    ...(ended === null ? [{ kind: 'now', at, label: 'now' } as const] : []),
  ];
}

/** Shows all measurements; if there are many, the lowest and highest of several at a time. */
function valuesTable(check: Check, values: readonly Value[], at: Timestamp): Html {
  const perRow = Math.ceil(values.length / ROWS_MAX);
  const stretches = [...Map.groupBy(values, ({ phase }) => phase).values()].flatMap((ofPhase) =>
    Array.from({ length: Math.ceil(ofPhase.length / perRow) }, (_, n) => ofPhase.slice(n * perRow, (n + 1) * perRow)),
  );
  return tableOf(
    `Measurements of ${check.name}`,
    ['Time', 'Phase', perRow === 1 ? 'Value' : `Lowest to highest of ${perRow}`, 'Limits'],
    stretches.flatMap((all): Cells[] => {
      const [first] = all;
      if (first === undefined) return [];
      const measured = all.flatMap(({ value }) => (value === null ? [] : [value]));
      const outside = measured.filter((value) => isOutside(check, value)).length;
      const missing = all.length - measured.length;
      return [
        [
          clockTime(first.at, at),
          first.phase,
          [rangeOf(measured), missing === 0 ? '' : missingText(missing, all)].filter((text) => text !== '').join('; '),
          outside === 0 ? (measured.length === 0 ? '' : 'within') : perRow === 1 ? 'outside' : `${outside} outside`,
        ],
      ];
    }),
  );
}

const rangeOf = (values: readonly number[]): string =>
  values.length === 0
    ? ''
    : values.length === 1
      ? numberText(values[0] ?? 0)
      : `${numberText(Math.min(...values))} to ${numberText(Math.max(...values))}`;

function missingText(missing: number, all: readonly Value[]): string {
  const detail = all.find(({ value }) => value === null)?.detail ?? '';
  return `${all.length === 1 ? 'not measured' : `${missing} not measured`}${detail === '' ? '' : `: ${detail}`}`;
}
