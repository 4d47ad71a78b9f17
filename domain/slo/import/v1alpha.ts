import type { Located } from '../source-locations.ts';
import { type Fields, fieldsOf, type Path, type Reasons } from './fields.ts';
import { type Defaults, type Imported, type Converted, convertedOf, prometheusSource } from './converted.ts';

const COMPARED = ['it requires a thresholdMetric', null] as const;

const REASONS: Reasons = {
  'spec.objectives.op': COMPARED,
  'spec.objectives.value': COMPARED,
  'spec.objectives.timeSliceTarget': ['it requires budgetingMethod Timeslices', null],
  'spec.indicator': ['the objective has ratioMetrics', null],
};

/** Units in OpenSLO v1 notation. */
const UNITS: Readonly<Record<string, string>> = {
  Minute: 'm',
  Hour: 'h',
  Day: 'd',
  Week: 'w',
  Month: 'M',
  Quarter: 'Q',
  Year: 'Y',
};

/** Length of a slice: v1alpha has no field for it; the specification counts minutes. */
const SLICE = '1m';

/** @see https://github.com/OpenSLO/OpenSLO */
export function fromV1alpha(document: Located<unknown>, defaults: Defaults): Imported {
  const fields = fieldsOf(document);
  for (const key of ['apiVersion', 'kind']) fields.ignore(key);
  const name = fields.required(fields.text('metadata', 'name'), 'metadata', 'name');
  const displayName = fields.text('metadata', 'displayName');
  const service = fields.required(fields.text('spec', 'service') ?? defaults.service, 'spec', 'service');
  const description = fields.text('spec', 'description');
  const budgetingMethod = fields.text('spec', 'budgetingMethod') ?? 'Occurrences';
  const window = windowOf(fields, defaults);
  const count = fields.count('spec', 'objectives');
  if (count === 0) fields.error(['spec', 'objectives'], 'spec.objectives: there are no objectives');
  const converted = Array.from({ length: count }, (_, index): Converted[] => {
    const path = ['spec', 'objectives', index] as const;
    const title = fields.text(...path, 'displayName');
    const sli = sliOf(fields, path);
    const objective = objectiveOf(fields, path, {
      isCompared: sli?.compared === true,
      isSliced: budgetingMethod === 'Timeslices',
    });
    if (name === undefined || service === undefined || window === undefined || sli === undefined) return [];
    const label = title ?? String(index + 1);
    const shownTitle = count > 1 ? `${displayName ?? name}: ${label}` : (displayName ?? title);
    const parts = {
      name: count > 1 ? `${name}-${index + 1}` : name,
      displayName: shownTitle,
      labels: {},
      description,
      service,
      indicator: sli.indicator,
      window,
      budgetingMethod,
      objective,
    };
    const origins = [
      [
        ['metadata', 'name'],
        ['metadata', 'name'],
      ],
      [
        ['spec', 'service'],
        ['spec', 'service'],
      ],
      [
        ['spec', 'budgetingMethod'],
        ['spec', 'budgetingMethod'],
      ],
      [
        ['spec', 'timeWindow'],
        ['spec', 'timeWindows', 0],
      ],
      ...(['startTime', 'timeZone'] as const).map(
        (key) =>
          [
            ['spec', 'timeWindow', 0, 'calendar', key],
            ['spec', 'timeWindows', 0, 'calendar', key],
          ] as const,
      ),
      [['spec', 'objectives', 0], path],
      ...['target', 'op', 'value', 'timeSliceTarget'].map(
        (key) =>
          [
            ['spec', 'objectives', 0, key],
            [...path, key],
          ] as const,
      ),
      ...sli.origins,
    ] as const;
    return [convertedOf(document, parts, defaults, origins, 'OpenSLO v1alpha')];
  });
  return { converted: converted.flat(), problems: fields.problems(REASONS) };
}

function windowOf(fields: Fields, { window }: Defaults): object | undefined {
  const path = ['spec', 'timeWindows', 0] as const;
  if (!fields.has(...path)) {
    fields.warning(['spec'], `there is no time window: ${window} is used`, 'set another one in spec.timeWindows');
    return { duration: window, isRolling: true };
  }
  const unit = fields.required(fields.text(...path, 'unit'), ...path, 'unit');
  const count = fields.required(fields.number(...path, 'count'), ...path, 'count');
  const isRolling = fields.boolean(...path, 'isRolling');
  const startTime = fields.text(...path, 'calendar', 'startTime');
  const timeZone = fields.text(...path, 'calendar', 'timeZone');
  const calendar = fields.has(...path, 'calendar') ? { startTime, timeZone } : undefined;
  if (unit === undefined || count === undefined) return undefined;
  const suffix = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (suffix === undefined)
    return fields.error(
      [...path, 'unit'],
      `spec.timeWindows.0.unit: ${JSON.stringify(unit)} cannot be imported`,
      `one of ${Object.keys(UNITS).join(', ')}`,
    );
  if (calendar === undefined && isRolling !== true)
    fields.warning(path, 'a time window without a calendar is imported as a rolling window', 'set isRolling: true');
  return calendar === undefined
    ? { duration: `${count}${suffix}`, isRolling: true }
    : { duration: `${count}${suffix}`, isRolling: isRolling ?? false, calendar };
}

function objectiveOf(
  fields: Fields,
  path: Path,
  { isCompared, isSliced }: { isCompared: boolean; isSliced: boolean },
): object {
  const target = fields.number(...path, 'target');
  const [op, value] = isCompared ? [fields.text(...path, 'op'), fields.number(...path, 'value')] : [];
  const timeSliceTarget = isSliced ? fields.number(...path, 'timeSliceTarget') : undefined;
  return {
    ...(op !== undefined && { op }),
    ...(value !== undefined && { value }),
    ...(target !== undefined && { target }),
    ...(timeSliceTarget !== undefined && { timeSliceTarget }),
    ...(isSliced && { timeSliceWindow: SLICE }),
  };
}

type Sli = { indicator: object; compared: boolean; origins: [Path, Path][] };

function sliOf(fields: Fields, objective: Path): Sli | undefined {
  const convertedPath = ['spec', 'indicator', 'spec'];
  const ratio = [...objective, 'ratioMetrics'];
  if (!fields.has(...ratio)) {
    const path = ['spec', 'indicator', 'thresholdMetric'];
    if (!fields.has(...path))
      return fields.error(objective, 'there are neither ratioMetrics nor spec.indicator.thresholdMetric');
    const thresholdMetric = metricOf(fields, path);
    if (thresholdMetric === undefined) return undefined;
    return {
      indicator: { thresholdMetric },
      compared: true,
      origins: [
        [
          [...convertedPath, 'thresholdMetric'],
          [...path, 'query'],
        ],
      ],
    };
  }
  const good = metricOf(fields, [...ratio, 'good']);
  const total = metricOf(fields, [...ratio, 'total']);
  // Early drafts used a different name.
  const counter = [fields.boolean(...ratio, 'counter'), fields.boolean(...ratio, 'incremental')].includes(true);
  if (good === undefined || total === undefined) return undefined;
  return {
    indicator: { ratioMetric: { ...(counter && { counter }), good, total } },
    compared: false,
    origins: (['good', 'total'] as const).map((key) => [
      [...convertedPath, 'ratioMetric', key],
      [...ratio, key, 'query'],
    ]),
  };
}

function metricOf(fields: Fields, path: Path): object | undefined {
  const query = fields.required(fields.text(...path, 'query'), ...path, 'query');
  const source = fields.text(...path, 'source');
  const type = fields.text(...path, 'queryType');
  if (type !== undefined && type.toLowerCase() !== 'promql')
    return fields.error(
      [...path, 'queryType'],
      `${[...path, 'queryType'].join('.')}: only promql is supported, not ${JSON.stringify(type)}`,
    );
  if (query === undefined) return undefined;
  return source === undefined || /^prometheus$/i.test(source)
    ? prometheusSource(query)
    : { metricSource: { type: source, spec: { query } } };
}
