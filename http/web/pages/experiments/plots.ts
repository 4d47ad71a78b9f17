import type { ExperimentStory } from '../../../../actions/experiments/experiments.ts';
import { isOutside, limitsText, numberText } from '../../../../domain/experiments/conclusion.ts';
import type { Curve } from '../../../../domain/correlation/evidence.ts';
import type { Observation } from '../../../../schemas/experiments/experiment.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { type Cells, clockTime, type Html, tableOf } from '../../parts.ts';
import { type Mark, plot } from '../../plot.ts';

/** Measurements of the steady state, as the workflow takes them at most. */
const BEFORE_POINTS = 60;

/** Measurements that must be missing, so that the curve has a gap. */
const GAP_MEASUREMENTS = 2.5;

/** Right after it is recorded, an experiment has no time to show yet. */
const SHOWN_SECONDS_MIN = 60;

const ROWS_MAX = 60;
const ALERTS_MARKED = 3;

type Check = ExperimentStory['checks'][number];
type Value = { at: Timestamp; phase: Observation['phase']; value: number | null; detail: string };

/** Draws the measurements of a check, with its limits, and the start and end of the experiment. */
export function checkPlot(id: string, check: Check, story: ExperimentStory, at: Timestamp): Html {
  const values = story.observations.flatMap(({ at: measuredAt, phase, values: all }): Value[] =>
    all
      .filter(({ name }) => name === check.name)
      .map(({ value, detail }) => ({ at: measuredAt, phase, value, detail })),
  );
  const curve: Curve = values.flatMap((one) => (one.value === null ? [] : [[one.at, one.value] as const]));
  const from = earliest([values[0]?.at ?? story.created_at, story.started_at ?? story.created_at]);
  const until = story.ended_at ?? at;
  const { min, max } = check;
  const pause = Math.max(story.interval_seconds, story.steady_state_seconds / BEFORE_POINTS);
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
    gapSeconds: GAP_MEASUREMENTS * pause,
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
    ...alerts.slice(0, ALERTS_MARKED).map((alert): Mark => ({ kind: 'alert', at: alert.at, label: alert.title })),
    ...(stopped === null ? [] : [{ kind: 'rollback', at: stopped, label: 'stopped' } as const]),
    ...(ended === null ? [{ kind: 'now', at, label: 'now' } as const] : []),
  ];
}

/** Shows all measurements, or of many, the lowest and highest of each stretch of time. */
function valuesTable(check: Check, values: readonly Value[], at: Timestamp): Html {
  const each = Math.ceil(values.length / ROWS_MAX);
  const stretches = [...Map.groupBy(values, ({ phase }) => phase).values()].flatMap((of) =>
    Array.from({ length: Math.ceil(of.length / each) }, (_, n) => of.slice(n * each, (n + 1) * each)),
  );
  return tableOf(
    `Measurements of ${check.name}`,
    ['Time', 'Phase', each === 1 ? 'Value' : `Lowest to highest of ${each}`, 'Limits'],
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
          outside === 0 ? (measured.length === 0 ? '' : 'within') : each === 1 ? 'outside' : `${outside} outside`,
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
