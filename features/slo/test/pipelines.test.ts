import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { recordingRules } from '../decisions/generate/rules.ts';
import { loadConfig } from '../../../local/config/config-files.ts';
import { parsesAsPromql } from '../../../local/config/promql.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import { hash } from '../../freeze/test/decisions/builders.ts';
import { files, namesIn } from './decisions/generate/generated.ts';

const ROOT = join(import.meta.dirname, '../../..');

// Not by an import: pipelines and objectives can be left out independently of each other.
const PIPELINES = new URL('../../pipelines/decisions/pipeline-figures.ts', import.meta.url);
const Figures = z.record(
  z.string(),
  z.object({ type: z.string(), labels: z.array(z.string()), buckets: z.array(z.number()).optional() }),
);
const FIGURES = existsSync(PIPELINES)
  ? Figures.parse(((await import(PIPELINES.href)) as { FIGURES: unknown }).FIGURES)
  : {};

let dir: string;
let slos: Slo[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-objectives-'));
  await cp(join(ROOT, 'examples/slos'), join(dir, 'slos'), { recursive: true });
  await writeFile(join(dir, 'services.yaml'), 'services: { checkout: { environments: { production: {} } } }\n');
  const loaded = await loadConfig(dir);
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  slos = [...loaded.config.slos];
});
afterAll(() => rm(dir, { recursive: true }));

test('the objectives of pipelines have the targets that the dashboard names', () => {
  expect(
    slos
      .map(({ id, target, environment }) => [id, target, environment])
      .toSorted((a, b) => (`${a[0]}` < `${b[0]}` ? -1 : 1)),
  ).toEqual([
    ['checkout-pipeline-duration', 0.95, 'ci'],
    ['checkout-pipeline-flaky', 0.98, 'ci'],
    ['checkout-pipeline-queue', 0.95, 'ci'],
    ['checkout-pipeline-success', 0.95, 'ci'],
  ]);
  expect(slos.find(({ id }) => id.endsWith('duration'))?.indicator).toMatchObject({ op: 'lt', value: 600 });
});

test.runIf(existsSync(PIPELINES))('they read series, labels, and buckets that Firebreak has', () => {
  const text = JSON.stringify(slos.map(({ indicator }) => indicator)).replaceAll('\\"', "'");
  const selected = [...text.matchAll(/(\w+)\{([^{}]*)\}/g)];
  expect(selected.length).toBeGreaterThan(7);
  for (const [, series = '', labels = ''] of selected) {
    const figure = FIGURES[series] ?? FIGURES[series.replace(/_(?:sum|count|bucket)$/, '')];
    if (figure === undefined) throw new Error(`there is no figure ${series}`);
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)=~?'([^']*)'/g)) {
      expect(['service', 'branch', 'le', ...figure.labels]).toContain(label);
      if (label === 'le') expect(figure.buckets).toContain(Number(value));
    }
  }
});

test('they become rules that are PromQL', () => {
  const rules = recordingRules(slos, hash).groups.flatMap((group) => group.rules);
  expect(rules.filter(({ labels }) => labels?.['environment'] === 'ci')).toHaveLength(20);
  expect(rules.map(({ expr }) => parsesAsPromql(expr)).filter((wrong) => wrong !== null)).toEqual([]);
});

const Dashboard = z.object({ panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })) });

test.runIf(existsSync(PIPELINES))('the dashboard of pipelines shows each figure of pipelines, with its labels', () => {
  const { panels } = Dashboard.parse(files.get('grafana/pipelines.json'));
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll(/\$[a-z]+/g, 'x')));
  const names = new Set(queries.flatMap(namesIn));
  const series = (name: string, type: string) =>
    type === 'histogram' ? [`${name}_sum`, `${name}_count`, `${name}_bucket`] : [name];
  const all = Object.entries(FIGURES).flatMap(([name, { type }]) => series(name, type));
  const others = /^firebreak_(?:deployment|code_)/;
  expect([...names].filter((name) => !all.includes(name) && !others.test(name))).toEqual([]);
  const missing = Object.keys(FIGURES).filter((name) => ![...names].some((one) => one.startsWith(name)));
  // The dashboard shows the newest results of tests instead of their totals.
  expect(missing).toEqual(['pipeline_tests_total']);
});
