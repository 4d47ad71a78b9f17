import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { COUNTERS } from '../../core/domain/incidents/metrics.ts';
import { INCIDENT_EVENTS } from '../../core/domain/incidents/incident-events.ts';
import { parsesAsPromql } from '../../local/config/promql.ts';
import { EffectState } from '../../schemas/incidents/incident.ts';
import { have } from '../support/prometheus-stack.ts';
import { DASHBOARD, FOLDER, METRICS, metricsOf, OPERATING, queries, RULES, runTool } from './monitoring-files.ts';
import { RULE_CASES } from './rule-cases.ts';

/** Returns the text below a heading of `page`, up to the next heading. */
const section = (heading: string, page = OPERATING): string | undefined =>
  page
    .split(/^#+ /m)
    .find((part) => part.startsWith(`${heading}\n`))
    ?.slice(heading.length);

describe('alert rules about Firebreak', () => {
  test.each(RULES)('$alert has a summary and a runbook link, and is routed around Firebreak', (rule) => {
    const { alert, labels, annotations } = rule;
    expect(labels).toEqual({ product: 'firebreak', severity: expect.stringMatching(/^(critical|warning)$/) });
    expect(annotations).toEqual({
      summary: expect.stringMatching(/./),
      description: expect.stringMatching(/./),
      runbook_url: `https://runbooks.example.com/firebreak/operating.md#${alert.toLowerCase()}`,
    });
  });

  test.each(RULES)('$alert has a runbook, and a row in the table', ({ alert, labels }) => {
    const parts = [...(section(alert) ?? '').matchAll(/^- \*\*(\w+):\*\* ./gm)].map(([, part]) => part);
    expect(parts).toEqual(['Meaning', 'Impact', 'Action']);
    expect(OPERATING).toContain(`| [\`${alert}\`](#${alert.toLowerCase()}) | ${labels['severity']} |`);
  });

  test('each runbook has a rule', () => {
    const headings = [...OPERATING.matchAll(/^### (Firebreak\w+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(RULES.map(({ alert }) => alert));
  });

  test('rules select only label values that Firebreak writes', () => {
    const values = (label: string) =>
      RULES.flatMap(({ expr }) =>
        [...expr.matchAll(new RegExp(`${label}[=!]~?"([^"]+)"`, 'g'))].flatMap(([, value]) => value?.split('|') ?? []),
      );
    const outcomes = [...EffectState.options, 'ok', 'refused', 'error']; // the last three: outcomes of calls to vendors
    for (const outcome of values('outcome')) expect(outcomes).toContain(outcome);
    expect(new Set(values('queue'))).toEqual(new Set(['urgent', 'people', 'ordinary', 'unmatched']));
    expect(COUNTERS.firebreak_vendor_calls_total.labels).toEqual(['vendor', 'outcome']);
  });

  test('every rule has a case in which it fires', () => {
    const fired = RULE_CASES.flatMap(({ fires = [] }) => fires.map(({ alert }) => alert));
    expect(new Set(fired)).toEqual(new Set(RULES.map(({ alert }) => alert)));
  });

  test.runIf(have('amtool'))('alerts are sent only to PagerDuty, directly', () => {
    const config = join(FOLDER, 'alertmanager.yml');
    expect(runTool('amtool', 'check-config', config)).toMatchObject({ status: 0 });
    const receiver = (...labels: string[]) =>
      runTool('amtool', 'config', 'routes', 'test', `--config.file=${config}`, ...labels).said.split('\n')[0];
    expect(receiver('product=firebreak', 'severity=critical')).toMatch(/^firebreak-operators(Warning|$)/);
    expect(receiver('product=firebreak', 'severity=warning')).toMatch(/^firebreak-operators-low(Warning|$)/);
    expect(receiver('service=checkout', 'severity=critical')).toMatch(/^firebreak(Warning|$)/);
  });
});

describe('the dashboard', () => {
  test('every query parses as PromQL', () => {
    expect(queries().length).toBeGreaterThan(20);
    const wrong = queries().filter((query) => parsesAsPromql(query) !== null || metricsOf(query).length === 0);
    expect(wrong).toEqual([]);
  });

  test.runIf(have('promtool'))('Prometheus accepts every query', () => {
    const folder = mkdtempSync(join(tmpdir(), 'firebreak-dashboard-'));
    try {
      const rules = queries().map((expr, n) => ({ record: `dashboard:query_${n}`, expr }));
      writeFileSync(join(folder, 'queries.yaml'), stringify({ groups: [{ name: 'queries', rules }] }));
      expect(runTool('promtool', 'check', 'rules', join(folder, 'queries.yaml'))).toMatchObject({ status: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('can be provisioned anywhere: its only data source is a variable', () => {
    const { uid, title, schemaVersion, panels, templating } = DASHBOARD;
    expect({ uid, title }).toEqual({ uid: 'firebreak', title: 'Firebreak' });
    expect('id' in DASHBOARD).toBe(false); // an id would refer to a dashboard of another Grafana
    expect(schemaVersion).toBeGreaterThanOrEqual(39);
    expect(templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource', query: 'prometheus' }),
    );
    const sources = panels.flatMap(({ datasource, targets = [] }) => [
      ...(datasource ? [datasource] : []),
      ...targets.map((target) => target.datasource),
    ]);
    for (const source of sources) expect(source).toEqual({ type: 'prometheus', uid: '${datasource}' });
  });

  test('panels have a unique id, a title, a description, and their own position', () => {
    const { panels } = DASHBOARD;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)}/${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
    const unexplained = panels.filter(({ title, type, description }) => !title || (type !== 'row' && !description));
    expect(unexplained).toEqual([]);
    const sameRef = panels.filter(
      ({ targets = [] }) => new Set(targets.map(({ refId }) => refId)).size < targets.length,
    );
    expect(sameRef).toEqual([]);
  });
});

test('docs/reference/metrics-logs-limits.md lists exactly the events of the log', () => {
  const rows = [...(section('Logs', METRICS) ?? '').matchAll(/^\| `(\w+\.\w+)` \|/gm)].map(([, event]) => event);
  expect(rows).toEqual(Object.keys(INCIDENT_EVENTS));
});
