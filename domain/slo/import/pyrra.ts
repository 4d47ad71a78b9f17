import { normalised, PromqlError, tokensOf } from '../../../schemas/slo/openslo/promql.ts';
import { WINDOW } from '../../../schemas/slo/slo.ts';
import type { Written } from '../written.ts';
import { type Fields, fieldsOf, type Path, type Reasons } from './fields.ts';
import { type Defaults, type Imported, madeOf, prometheus } from './made.ts';

const ALERTS = ['burn alerts are made by Firebreak itself', 'firebreak slo generate writes them'] as const;
const RULES = ['it is about the rules that Pyrra writes', null] as const;
const KUBERNETES = ['it belongs to Kubernetes', null] as const;
const GROUPS = ['one objective of all groups together is written', 'write one for each group that matters'] as const;

const REASONS: Reasons = {
  'spec.alerting': ALERTS,
  'spec.partial_response_strategy': RULES,
  'spec.performanceOverAccuracy': RULES,
  'spec.ruleOutput': RULES,
  'spec.indicator.ratio.grouping': GROUPS,
  'spec.indicator.latency.grouping': GROUPS,
  'spec.indicator.bool_gauge.grouping': GROUPS,
  'metadata.namespace': KUBERNETES,
  'metadata.annotations': KUBERNETES,
  'metadata.uid': KUBERNETES,
  'metadata.resourceVersion': KUBERNETES,
  'metadata.generation': KUBERNETES,
  'metadata.creationTimestamp': KUBERNETES,
  'metadata.managedFields': KUBERNETES,
  status: KUBERNETES,
};

/** Labels that name the service, because Pyrra's documents have no service field. */
const SERVICE_LABELS = ['service', 'pyrra.dev/service', 'app.kubernetes.io/name'];

/** @see https://github.com/pyrra-dev/pyrra */
export function fromPyrra(written: Written<unknown>, defaults: Defaults): Imported {
  const fields = fieldsOf(written);
  for (const key of ['apiVersion', 'kind']) fields.ignore(key);
  const name = fields.required(fields.text('metadata', 'name'), 'metadata', 'name');
  const labels = fields.texts('metadata', 'labels');
  const description = fields.text('spec', 'description');
  const serviceLabel = SERVICE_LABELS.find((label) => Object.hasOwn(labels, label));
  const service = serviceLabel === undefined ? defaults.service : labels[serviceLabel];
  if (service === undefined)
    fields.error(['metadata', 'labels'], 'no label "service" says which service it is of', 'or pass --service NAME');
  const targetPercent = targetOf(fields);
  const duration = durationOf(fields);
  const sli = sliOf(fields);
  const problems = fields.problems(REASONS);
  if (!name || service === undefined || targetPercent === undefined || duration === undefined || sli === undefined)
    return { made: [], problems };
  const parts = {
    name,
    labels,
    description,
    service,
    indicator: sli.indicator,
    window: { duration, isRolling: true },
    budgetingMethod: 'Occurrences',
    objective: { targetPercent },
  };
  const origins = [
    [['metadata'], ['metadata']],
    [
      ['metadata', 'name'],
      ['metadata', 'name'],
    ],
    [
      ['metadata', 'labels'],
      ['metadata', 'labels'],
    ],
    [
      ['metadata', 'labels', 'environment'],
      ['metadata', 'labels', 'environment'],
    ],
    [
      ['metadata', 'labels', 'env'],
      ['metadata', 'labels', 'env'],
    ],
    [['spec'], ['spec']],
    [
      ['spec', 'service'],
      ['metadata', 'labels', serviceLabel ?? ''],
    ],
    [
      ['spec', 'timeWindow'],
      ['spec', 'window'],
    ],
    [
      ['spec', 'objectives'],
      ['spec', 'target'],
    ],
    [
      ['spec', 'indicator'],
      ['spec', 'indicator'],
    ],
    ...sli.origins,
  ] as const;
  return { made: [madeOf(written, parts, defaults, origins, 'Pyrra pyrra.dev/v1alpha1')], problems };
}

/** Reads the target: a string in Kubernetes, which has no fractions, but users also write a number. */
function targetOf(fields: Fields): number | undefined {
  const path = ['spec', 'target'] as const;
  const text = fields.required(fields.numeric(...path), ...path);
  if (text === undefined) return undefined;
  const target = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(target) ? target : fields.error(path, `spec.target: ${JSON.stringify(text)} is no number`);
}

const SECONDS: Readonly<Record<string, number>> = { y: 31_536_000, w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };

/** Converts a duration: Prometheus durations can have several parts (`1w2d`), OpenSLO's only one. */
function durationOf(fields: Fields): string | undefined {
  const path = ['spec', 'window'] as const;
  const text = fields.required(fields.text(...path), ...path);
  if (text === undefined) return undefined;
  if (/^[1-9][0-9]*[mhdw]$/.test(text)) return text;
  const parts = /^(?:[0-9]+[ywdhms])+$/.test(text) ? [...text.matchAll(/([0-9]+)([ywdhms])/g)] : [];
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? ''] ?? 0), 0);
  const unit = seconds > 0 ? ['d', 'h', 'm'].find((each) => seconds % (SECONDS[each] ?? 1) === 0) : undefined;
  if (unit !== undefined) return `${seconds / (SECONDS[unit] ?? 1)}${unit}`;
  return fields.error(path, `spec.window: ${JSON.stringify(text)} is no duration of whole minutes`, 'such as 4w');
}

type Sli = { indicator: object; origins: [Path, Path][] };

function sliOf(fields: Fields): Sli | undefined {
  const path = ['spec', 'indicator'] as const;
  const kinds = ['ratio', 'latency', 'latencyNative', 'bool_gauge'].filter((kind) => fields.has(...path, kind));
  const [kind] = kinds;
  const made = ['spec', 'indicator', 'spec', 'ratioMetric'];
  if (kinds.length !== 1)
    return fields.error(path, 'spec.indicator: it has to be one of ratio, latency, latencyNative and bool_gauge');
  if (kind === 'latencyNative') {
    fields.ignore(...path, kind);
    return fields.error(
      [...path, kind],
      'spec.indicator.latencyNative: native histograms cannot be carried over',
      'use latency with the buckets of a classic histogram, or write an OpenSLO document by hand',
    );
  }
  if (kind === 'bool_gauge') {
    const metric = selector(fields, ...path, kind, 'metric');
    if (metric === undefined) return undefined;
    const query = `sum(sum_over_time(${metric}[${WINDOW}])) / sum(count_over_time(${metric}[${WINDOW}]))`;
    return {
      indicator: { ratioMetric: { raw: prometheus(query), rawType: 'success' } },
      origins: [
        [
          [...made, 'raw'],
          [...path, kind, 'metric'],
        ],
      ],
    };
  }
  const [part, key] = kind === 'ratio' ? ['errors', 'bad'] : ['success', 'good'];
  const first = selector(fields, ...path, kind ?? '', part, 'metric');
  const total = selector(fields, ...path, kind ?? '', 'total', 'metric');
  if (first === undefined || total === undefined) return undefined;
  const rate = (metric: string) => prometheus(`sum(rate(${metric}[${WINDOW}]))`);
  return {
    indicator: { ratioMetric: { [key]: rate(first), total: rate(total) } },
    origins: [
      [
        [...made, key],
        [...path, kind ?? '', part, 'metric'],
      ],
      [
        [...made, 'total'],
        [...path, kind ?? '', 'total', 'metric'],
      ],
    ],
  };
}

/** Reads a plain selector, which a range can be appended to. */
function selector(fields: Fields, ...path: Path): string | undefined {
  const text = fields.required(fields.text(...path), ...path);
  if (text === undefined) return undefined;
  const problem = (why: string) =>
    fields.error(path, `${path.join('.')}: ${why}`, 'such as http_requests_total{job="x"}');
  try {
    const metric = normalised(text);
    const [first, ...rest] = tokensOf(metric);
    const braces = first?.text === '{' ? [first, ...rest] : rest;
    const closed = braces.findIndex(({ kind, text: mark }) => kind === 'mark' && mark === '}');
    const plain = first?.kind === 'name' || first?.text === '{';
    const whole = braces.length === 0 || (braces[0]?.text === '{' && closed === braces.length - 1);
    return plain && whole ? metric : problem('it has to be a metric with its labels, and nothing else');
  } catch (error) {
    if (error instanceof PromqlError) return problem(error.message);
    throw error;
  }
}
