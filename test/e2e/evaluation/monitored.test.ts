import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { monitoredCase, MONITORED_SEED } from '../../../packages/lab/evaluation/monitored/case.ts';
import { evaluate } from '../../../packages/lab/evaluation/monitored/evaluate.ts';
import type { ClassName } from '../../../packages/lab/evaluation/monitored/labels.ts';
import {
  BUCKETS,
  byVersionQuery,
  healthQuery,
  ratioQuery,
  REQUESTS,
  ruleExpression,
  trafficByVersionQuery,
  trafficQuery,
  UP,
} from '../../../packages/lab/evaluation/monitored/telemetry/queries.ts';
import {
  type Labels,
  NAME,
  type Series,
  sourceOf,
} from '../../../packages/lab/evaluation/monitored/telemetry/series.ts';
import type { Service } from '../../../packages/lab/evaluation/monitored/services.ts';
import { have, type Running, startPrometheus } from '../../support/prometheus-stack.ts';

/*
 * The monitored world evaluates queries as a Prometheus does that has recorded the same samples. Staleness markers are
 * left out, because OpenMetrics has none.
 */

const CLASSES: readonly ClassName[] = [
  'deploy_at_once',
  'crash',
  'latency',
  'canary_labelled',
  'sparse_noise',
  'lazy_series_deploy',
  'burn_rate_deploy',
  'absent_samples',
];

/** Part of the world that is loaded, in seconds before its end, and the steps of the queries. */
const LOADED_SECONDS = 3 * 3600;
const STEP_SECONDS = 60;
const STEPS = 150;

/**
 * Milliseconds by which steps differ from the times of samples, which are even. Versions of Prometheus differ in whether
 * a sample exactly at the start of a range belongs to it.
 */
const ODD = 0.001;

const even = (seconds: number): number => Math.round(seconds * 500) / 500;

type Loaded = { name: ClassName; service: Service; series: Series[]; until: number; offset: number };

const cases = CLASSES.map((name): Loaded => {
  const { telemetry, stage, at } = monitoredCase(MONITORED_SEED, name, 1);
  const offset = Math.floor(Date.now() / 1000) - 120 - Math.ceil(at);
  const service = { ...stage.focus, name: `${name}-${stage.focus.name}` };
  const matchers = [{ label: 'service', equals: stage.focus.name, matches: (of: string) => of === stage.focus.name }];
  const series = [REQUESTS, BUCKETS, UP]
    .flatMap((metric) => telemetry.select(metric, matchers))
    .map(({ labels, times, values, stale }): Series => {
      const kept = Array.from(times, (_, index) => index).filter(
        (index) => stale?.[index] !== 1 && (times[index] ?? 0) > at - LOADED_SECONDS && (times[index] ?? 0) <= at,
      );
      return {
        labels: { ...labels, service: service.name },
        times: kept.map((index) => even(times[index] ?? 0)),
        values: kept.map((index) => values[index] ?? 0),
        stale: null,
        delay: 0,
      };
    })
    .filter(({ times }) => times.length > 0);
  return { name, service, series, until: Math.floor(at), offset };
});

function openMetrics(): string {
  const lines = cases
    .flatMap(({ series, offset }) => series.map((one) => ({ ...one, offset })))
    .toSorted((a, b) => ((a.labels[NAME] ?? '') < (b.labels[NAME] ?? '') ? -1 : 1))
    .flatMap(({ labels, times, values, offset }) => {
      const { [NAME]: metric = '', ...others } = labels;
      const written = Object.entries(others).map(([label, value]) => `${label}="${value}"`);
      return Array.from(
        times,
        (time, index) => `${metric}{${written.join(',')}} ${values[index] ?? 0} ${(time + offset).toFixed(3)}`,
      );
    });
  return [...lines, '# EOF\n'].join('\n');
}

type Matrix = { metric: Labels; values: [number, string][] }[];

describe.runIf(have('prometheus', 'promtool'))('the queries of the monitored world', () => {
  let prometheus: Running;
  beforeAll(async () => {
    const history = openMetrics();
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []',
      history,
    });
  });
  afterAll(() => prometheus.stop());

  async function ask(query: string, start: number): Promise<Matrix> {
    const end = start + (STEPS - 1) * STEP_SECONDS;
    const body = new URLSearchParams({
      query,
      start: start.toFixed(3),
      end: end.toFixed(3),
      step: String(STEP_SECONDS),
    });
    const response = await fetch(`${prometheus.url}/api/v1/query_range`, { method: 'POST', body });
    const { data, error } = (await response.json()) as { data?: { result: Matrix }; error?: string };
    if (data === undefined) throw new Error(`${query}: ${error}`);
    return data.result;
  }

  /** Returns the values of all series at all steps that have one, by labels and step. */
  async function both(query: string, { series, until, offset }: Loaded) {
    const start = until - (STEPS - 1) * STEP_SECONDS + ODD;
    const ours = new Map<string, number>();
    for (const { labels, values, present } of evaluate(
      query,
      { start, step: STEP_SECONDS, count: STEPS, now: null },
      sourceOf(series),
    ))
      for (const [index, value] of values.entries())
        if (present[index] === 1) ours.set(`${keyOf(labels)} ${index}`, value);
    const theirs = new Map<string, number>();
    for (const { metric, values } of await ask(query, start + offset))
      for (const [time, text] of values) {
        const index = Math.round((time - offset - start) / STEP_SECONDS);
        theirs.set(`${keyOf(metric)} ${index}`, Number(text.replace('+Inf', 'Infinity')));
      }
    return { ours, theirs };
  }

  const keyOf = (labels: Labels): string =>
    JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

  const queriesOf = ({ service }: Loaded): string[] => [
    healthQuery({ ...service, health: { ...service.health, form: 'ratio_or_zero' } }) ?? '',
    healthQuery({ ...service, health: { ...service.health, form: 'success' } }) ?? '',
    healthQuery({ ...service, health: { ...service.health, form: 'quantile' } }) ?? '',
    ratioQuery(service, '1m'),
    ratioQuery(service, '10m'),
    trafficQuery(service),
    trafficByVersionQuery(service),
    byVersionQuery({ ...service, health: { ...service.health, form: 'ratio' } }),
    byVersionQuery({ ...service, health: { ...service.health, form: 'recorded' } }),
    ruleExpression(service, { ...service.rule, form: 'up', level: 0.9 }),
    ruleExpression(service, { ...service.rule, form: 'absent' }),
    ruleExpression(service, { ...service.rule, form: 'burn', level: 0.0005 }),
    `rate(${REQUESTS}{service="${service.name}"}[2m])`,
    `increase(${REQUESTS}{service="${service.name}"}[90s] offset 5m)`,
    `${REQUESTS}{service="${service.name}"}`,
    `max_over_time(${UP}{service="${service.name}"}[3m]) unless ${UP}{service="${service.name}"} == 1`,
    `count by (instance) (${UP}{service="${service.name}"} > bool 0) - avg by (instance) (${UP}{service="${service.name}"})`,
  ];

  test.each(cases.map((loaded) => [loaded.name, loaded] as const))('return the same for %s', async (_name, loaded) => {
    let compared = 0;
    for (const query of queriesOf(loaded)) {
      const { ours, theirs } = await both(query, loaded);
      expect({ query, found: [...ours.keys()].toSorted() }).toEqual({ query, found: [...theirs.keys()].toSorted() });
      for (const [key, value] of theirs) {
        const own = ours.get(key) ?? NaN;
        const isSame = Number.isNaN(value)
          ? Number.isNaN(own)
          : Math.abs(own - value) <= 1e-9 * Math.max(1, Math.abs(value));
        if (!isSame) throw new Error(`${query} at ${key}: ${own} instead of ${value}`);
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(500);
  });
});
