import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { programPath } from '../support/prometheus-stack.ts';

const ROOT = join(import.meta.dirname, '../..');

export const FOLDER = join(ROOT, 'deploy/monitoring');
export const OPERATING = readFileSync(join(ROOT, 'docs/how-to/operating.md'), 'utf8');
export const METRICS = readFileSync(join(ROOT, 'docs/reference/metrics-logs-limits.md'), 'utf8');

export type Rule = {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
};

export const RULES: Rule[] = (
  parse(readFileSync(join(FOLDER, 'firebreak-rules.yaml'), 'utf8')) as { groups: { rules: Rule[] }[] }
).groups.flatMap(({ rules }) => rules);

type Panel = {
  id: number;
  title: string;
  type: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { type: string; uid: string };
  targets?: { expr: string; refId: string; datasource: { type: string; uid: string } }[];
};
export type Dashboard = {
  uid: string;
  title: string;
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: string; definition?: string }[] };
};

export const DASHBOARD = JSON.parse(readFileSync(join(FOLDER, 'firebreak-dashboard.json'), 'utf8')) as Dashboard;

/** Returns every query of the dashboard with Grafana's own variables replaced. */
export const queries = (): string[] =>
  DASHBOARD.panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'firebreak')),
  );

/** Returns the names of the metrics in a query. */
export function metricsOf(query: string): string[] {
  const names: string[] = [];
  parser.parse(query).iterate({
    enter: ({ node }) => {
      if (node.name === 'Identifier' && node.parent?.name === 'VectorSelector')
        names.push(query.slice(node.from, node.to));
    },
  });
  return names;
}

/** Metrics that Prometheus itself adds. */
const OF_PROMETHEUS = ['up', 'ALERTS'];

/** All metrics that rules and dashboard query, and that Firebreak must export. */
export const METRICS_USED: string[] = [
  ...new Set([...RULES.map(({ expr }) => expr), ...queries()].flatMap(metricsOf)),
].filter((name) => !OF_PROMETHEUS.includes(name));

/** Runs a tool of Prometheus, which must be installed. */
export function runTool(program: 'promtool' | 'amtool', ...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(programPath(program) ?? '', args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}
