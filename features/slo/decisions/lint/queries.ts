import {
  hasAggregation,
  type Anatomy,
  anatomyOf,
  isRate,
  readsCounters,
} from '../../../../schemas/parsing/promql-anatomy.ts';
import { type Indicator, WINDOW } from '../../../../schemas/slo/slo.ts';
import { COUNTER } from '../measurement/counter-names.ts';

/** Weakness of a query, with an alternative. */
type Finding = { message: string; suggestion: string };

type LintedQuery = { text: string; anatomy: Anatomy; indicator: Indicator };

type Rule = (query: LintedQuery) => Finding | null;

/** Checks what a query measures, and how. */
export function lintQuery(text: string, indicator: Indicator): Finding[] {
  const query = { text, anatomy: anatomyOf(text), indicator };
  return RULES.flatMap((rule) => rule(query) ?? []);
}

/** Matches `node_cpu_seconds_total`, `container_memory_usage_bytes`, and `node_load5`, but not `page_load_seconds`. */
const CAUSE =
  /(?:^|[_.:])(?:cpus?|mem|memory|memstats|heap|swap|loadavg|load(?:1|5|15)|disk|filesystem|goroutines|utili[sz]ation|saturation)(?=$|[_.:])/i;

const cause: Rule = ({ anatomy }) => {
  const metric = anatomy.metrics.find((name) => CAUSE.test(name));
  return metric === undefined
    ? null
    : {
        message: `"${metric}" is a cause, not a symptom: users notice only requests that fail or are slow`,
        suggestion: 'count those requests; if the cause needs a person, alert on it without a budget',
      };
};

const UP_OR_DOWN = new Set(['up', 'probe_success', 'kube_pod_status_ready']);

const upOrDown: Rule = ({ anatomy: { metrics } }) =>
  metrics.length === 0 || !metrics.every((name) => UP_OR_DOWN.has(name))
    ? null
    : {
        message: `"${metrics[0] ?? ''}" shows that something answers, not that users are served`,
        suggestion: 'count user requests, and those that succeed',
      };

const AVERAGES = new Set(['avg', 'avg_over_time']);

const average: Rule = ({ anatomy: { calls, metrics } }) => {
  const called = calls.some((name) => AVERAGES.has(name));
  const divided = metrics.some((name) => name.endsWith('_sum') && metrics.includes(name.replace(/_sum$/, '_count')));
  return called || divided
    ? {
        message: 'an average hides the slowest requests, and gives idle and busy instances the same weight',
        suggestion: 'count good events and all events',
      }
    : null;
};

const percentile: Rule = ({ anatomy: { calls }, indicator }) =>
  indicator.kind === 'ratio' || !calls.includes('histogram_quantile')
    ? null
    : {
        message:
          'a comparison of a percentile does not show how many requests were too slow, and gives quiet and busy times the same weight',
        suggestion: `use a ratio of the buckets: good sum(rate(x_bucket{le="0.3"}[${WINDOW}])), total sum(rate(x_count[${WINDOW}]))`,
      };

const EVENTS = new Set(['increase', 'count_over_time', 'sum_over_time', 'changes', 'resets', 'delta']);

/** Reports functions that return a number of events where a rate per second is expected. */
const events: Rule = ({ anatomy: { calls }, indicator }) => {
  const call = calls.find((name) => EVENTS.has(name));
  return indicator.kind !== 'ratio' || call === undefined
    ? null
    : {
        message: `${call}() returns a number of events, but a rate per second is expected: the ratio is correct, but the event count is too high, so that chance looks significant`,
        suggestion: `write rate(…[${WINDOW}])`,
      };
};

const fixedRange: Rule = ({ text, anatomy, indicator }) => {
  if (indicator.kind !== 'ratio' || text.includes(WINDOW) || !isRate(anatomy)) return null;
  const range = anatomy.ranges[0] ?? '';
  return {
    message: `the rate is always over ${range}, whatever the requested window, which blurs errors`,
    suggestion: `write [${WINDOW}] instead of [${range}]`,
  };
};

const RECORDED_RATE = /rate|per_sec|_rps$|_qps$/i;

/** Reports queries that are neither a rate nor marked as a counter. */
const unclear: Rule = ({ text, anatomy, indicator }) => {
  if (indicator.kind !== 'ratio' || indicator.counter || text.includes(WINDOW) || isRate(anatomy)) return null;
  const counter = anatomy.metrics.find((name) => COUNTER.test(name));
  if (counter === undefined && anatomy.metrics.every((name) => RECORDED_RATE.test(name))) return null;
  const what = counter === undefined ? 'there is neither a window nor "counter"' : `"${counter}" is a counter`;
  return {
    message: `${what}, but its values are treated as rates per second`,
    suggestion: `write sum(rate(${counter ?? 'x_total'}[${WINDOW}])), or "counter: true"`,
  };
};

const addedUp: Rule = ({ anatomy, indicator }) =>
  indicator.kind !== 'ratio' || !indicator.counter || !hasAggregation(anatomy)
    ? null
    : {
        message: 'when one instance restarts, this sum of counters drops, and events in the meantime are lost',
        suggestion: `write sum(rate(${anatomy.metrics[0] ?? 'x_total'}[${WINDOW}])), without "counter"`,
      };

/** Matches `process_resident_memory_bytes` and `http_requests_in_flight`, but not `network_receive_bytes_total`. */
const GAUGE =
  /_(?:bytes|ratio|percent|celsius|info|seconds|current|active|in_?flight|size|length|depth|used|free|available|limit|connections|lag|ready)$/i;

const gauge: Rule = ({ anatomy, indicator }) => {
  const counted = readsCounters(anatomy) || (indicator.kind === 'ratio' && indicator.counter);
  const metric = counted ? anatomy.metrics.find((name) => GAUGE.test(name)) : undefined;
  return metric === undefined
    ? null
    : {
        message: `"${metric}" looks like a gauge: its value also falls, which is treated as a counter reset each time`,
        suggestion: 'use a counter, or compare it in a thresholdMetric',
      };
};

const orZero: Rule = ({ text }) =>
  /\bor\s+(?:on\s*\(\s*\)\s*)?vector\s*\(\s*0(?:\.0*)?\s*\)/.test(text)
    ? {
        message: '"or vector(0)" makes missing data look like no events',
        suggestion: 'remove it: Firebreak distinguishes missing data from zero events',
      }
    : null;

const RULES: readonly Rule[] = [
  cause,
  upOrDown,
  average,
  percentile,
  events,
  fixedRange,
  unclear,
  addedUp,
  gauge,
  orZero,
];
