import { sha256 } from '../../../core/stores/hash.ts';
import { generatedDashboards, generatedRules } from '../decisions/generate/files.ts';
import {
  compact,
  generatedGroups,
  optionsOf,
  queriesToFormat,
  type RuleDifference,
  ruleDifferences,
  wantedGroups,
} from '../decisions/generate/loaded-rules.ts';
import type { Dashboard } from '../decisions/generate/panels.ts';
import type { Deps } from '../ports.ts';
import type { LoadedMonitoring, LoadedPanel } from '../types.ts';
import type { GeneratedState } from '../../../schemas/config/connections.ts';
import { pooled } from '../../../core/domain/concurrency.ts';

type CompareDeps = Pick<Deps, 'config' | 'loadedMonitoring'>;

/** Formatted queries of one comparison, and requests for them in parallel. The next comparison formats the others. */
const FORMATTED_MAX = 1_000;
const AT_ONCE = 8;

/** Milliseconds for formatting. `GET /v1/connections` compares, and the API's function has a time-out of 20 seconds. */
const FORMATTING_MS = 7_000;

/** A comparison of one system. `places`: of the rules that differ; empty: all with objectives. */
export type Comparison = GeneratedState & { places: RuleDifference['places'] };

/** Compares the loaded rules with those that the present configuration generates with the same options. */
export async function compareRules({ config, loadedMonitoring: loaded }: CompareDeps): Promise<Comparison> {
  const base = { source: 'Prometheus' as const, differences: [], places: [] };
  const answer = await loaded.rules();
  if (answer === null) return { ...base, state: 'off', detail: 'PROMETHEUS_URL is not set' };
  if (answer.kind === 'unreadable') return { ...base, state: 'unreadable', detail: answer.detail };
  const loadedGroups = generatedGroups(answer.value);
  if (loadedGroups.length === 0) return { ...base, state: 'none', detail: NOT_LOADED };
  const { slos, services, delivery } = await config.current();
  const { url, ...options } = optionsOf(loadedGroups);
  const files = generatedRules(slos, {
    ...options,
    url: url ?? '',
    services,
    environments: delivery.environments,
    hash: sha256,
  });
  const generated = wantedGroups(files);
  const formatted = await formattedQueries(loaded, queriesToFormat(generated, loadedGroups));
  const { differences, notCompared } = ruleDifferences(generated, loadedGroups, formatted);
  const rules = loadedGroups.reduce((sum, group) => sum + group.rules.length, 0);
  return {
    source: 'Prometheus',
    state: differences.length > 0 ? 'differs' : notCompared > 0 ? 'unreadable' : 'same',
    detail:
      notCompared > 0
        ? `${notCompared} of ${rules} queries were not compared, because Prometheus did not format them`
        : `${rules} loaded rules compared`,
    differences: differences.map(({ kind, name, detail }) => ({ kind, name, detail })),
    places: differences.some(({ places }) => places.length === 0)
      ? slos.map(({ service, environment }) => ({ service, environment }))
      : differences.flatMap(({ places }) => places),
  };
}

const NOT_LOADED =
  'no generated rules are loaded: run firebreak slo generate, and add the files to rule_files; see docs/how-to/slo-rules.md';

async function formattedQueries(loaded: LoadedMonitoring, queries: readonly string[]): Promise<Map<string, string>> {
  const formatted = new Map<string, string>();
  const until = performance.now() + FORMATTING_MS;
  await pooled(queries.slice(0, FORMATTED_MAX), AT_ONCE, async (query) => {
    const text = performance.now() < until ? await loaded.formatted(query) : undefined;
    if (text !== undefined) formatted.set(query, text);
  });
  return formatted;
}

/** Compares the loaded configuration of Alertmanager with what the generated alerts need. */
export async function compareRouting({ config, loadedMonitoring }: CompareDeps): Promise<Comparison> {
  const base = { source: 'Alertmanager' as const, differences: [], places: [] };
  if ((await config.current()).slos.length === 0)
    return { ...base, state: 'none', detail: 'there are no objectives, so it needs no generated configuration' };
  const answer = await loadedMonitoring.routing();
  if (answer === null) return { ...base, state: 'off', detail: 'ALERTMANAGER_URL is not set' };
  if (answer.kind === 'unreadable') return { ...base, state: 'unreadable', detail: answer.detail };
  return {
    ...base,
    state: answer.value.length > 0 ? 'differs' : 'same',
    detail: 'receiver and routes compared',
    differences: answer.value.map((detail) => ({ kind: 'changed', name: 'configuration', detail })),
  };
}

/** Compares the dashboards that Grafana has with the generated ones. Dashboards that were not imported do not differ. */
export async function compareDashboards({ loadedMonitoring }: CompareDeps): Promise<Comparison> {
  const base = { source: 'Grafana' as const, differences: [], places: [] };
  const differences: Comparison['differences'] = [];
  let found = 0;
  const dashboards = [...generatedDashboards().values()];
  const answers = await Promise.all(dashboards.map(({ uid }) => loadedMonitoring.dashboard(uid)));
  for (const [index, dashboard] of dashboards.entries()) {
    const answer = answers[index] ?? null;
    if (answer === null) return { ...base, state: 'off', detail: 'GRAFANA_URL or GRAFANA_TOKEN is not set' };
    if (answer.kind === 'unreadable')
      return { ...base, state: 'unreadable', detail: `${answer.detail}; the token needs dashboards:read` };
    if (answer.value === null) continue;
    found += 1;
    const titles = differingPanels(dashboard, answer.value);
    if (titles.length > 0)
      differences.push({
        kind: 'changed',
        name: dashboard.title,
        detail: `panels that differ: ${titles.join(', ')}; run firebreak slo generate, and import the dashboard again`,
      });
  }
  if (found === 0) return { ...base, state: 'none', detail: 'no generated dashboard is imported' };
  const state = differences.length > 0 ? 'differs' : 'same';
  return { ...base, state, detail: `${found} imported dashboards compared`, differences };
}

/** Returns the titles of panels whose queries differ, or that only one of the dashboards has. */
function differingPanels({ panels }: Dashboard, loaded: readonly LoadedPanel[]): string[] {
  const generated = panels.map(({ title, targets }) => ({
    title: String(title),
    queries: (targets as { expr: string }[]).map(({ expr }) => expr),
  }));
  const text = ({ queries }: LoadedPanel): string => JSON.stringify(queries.map(compact));
  const [left, right] = [generated, loaded].map(
    (all) => new Map(all.map((panel): [string, string] => [panel.title, text(panel)])),
  );
  const titles = new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])]);
  return [...titles].filter((title) => left?.get(title) !== right?.get(title)).toSorted();
}

/** Compares all systems. One that can't be read says so. */
export async function compareGenerated(deps: CompareDeps): Promise<GeneratedState[]> {
  const all = await Promise.all([compareRules(deps), compareRouting(deps), compareDashboards(deps)]);
  return all.map(({ source, state, detail, differences }) => ({
    source,
    state,
    detail,
    differences: differences.slice(0, SHOWN_MAX),
  }));
}

/** Differences of one system that are listed. */
const SHOWN_MAX = 50;
