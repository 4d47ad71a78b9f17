import { PROMQL_STRING } from '../../../../schemas/parsing/promql.ts';
import type { ServiceEnvironment } from '../../../../core/domain/ports/common.ts';
import type { LoadedGroup, LoadedRule } from '../../types.ts';
import type { Preset } from './rules.ts';
import type { Rule, RuleFile } from './rule.ts';

/** A group that is generated, with its file below the folder of `firebreak slo generate`. */
type WantedGroup = { file: string; name: string; intervalSeconds: number | null; rules: LoadedRule[] };

/**
 * How a generated group or rule differs from what is loaded. `missing`: it is not loaded. `changed`: it is loaded in
 * another form. `stale`: it is loaded, but no longer generated.
 */
export type RuleDifference = {
  kind: 'missing' | 'changed' | 'stale';
  /** The group, with the rule if only a part of the group differs; or the file, if all its groups are missing. */
  name: string;
  /** What differs, and what to do. */
  detail: string;
  /** The services and environments that the rules are about. Empty: all with objectives. */
  places: ServiceEnvironment[];
};

/** Options of `firebreak slo generate` that loaded rules show. */
export type LoadedOptions = { preset: Preset; raw: boolean; lowVelocity: boolean; url: string | null };

const OWN_GROUP = /^firebreak-(?:slo-|delivery(?:-|$)|deployments$)/;
const RAW_GROUP = /^firebreak-slo-raw-/;
const RUNBOOK_URL = /^(https?:\/\/.+)\/console\/runbooks\/[^/]+$/;

/** Returns the loaded groups that `firebreak slo generate` writes. Other groups are none of its business. */
export const generatedGroups = (loaded: readonly LoadedGroup[]): LoadedGroup[] =>
  loaded.filter(({ name }) => OWN_GROUP.test(name));

/** Returns the options with which the loaded rules were generated. */
export function optionsOf(loaded: readonly LoadedGroup[]): LoadedOptions {
  const rules = loaded.flatMap((group) => group.rules);
  const burns = rules.filter(({ name }) => name === 'SLOFastBurn' || name === 'SLOSlowBurn');
  const urls = rules.flatMap(({ annotations }) => RUNBOOK_URL.exec(annotations['runbook_url'] ?? '')?.[1] ?? []);
  const counts = [...Map.groupBy(urls, (url) => url)].toSorted(([, a], [, b]) => b.length - a.length);
  return {
    preset:
      burns.length > 0 && burns.every(({ labels }) => labels['short_window'] === undefined) ? 'simple' : 'multiwindow',
    raw: loaded.some(({ name }) => RAW_GROUP.test(name)),
    lowVelocity: rules.some(({ name }) => name === 'LowDeploymentFrequency'),
    url: counts[0]?.[0] ?? null,
  };
}

/** Returns the groups of generated files in the form in which a Prometheus lists them. */
export const wantedGroups = (files: ReadonlyMap<string, RuleFile>): WantedGroup[] =>
  [...files].flatMap(([file, { groups }]) =>
    groups
      // Prometheus does not list a group without rules.
      .filter(({ rules }) => rules.length > 0)
      .map(({ name, interval, rules }) => ({
        file,
        name,
        intervalSeconds: interval === undefined ? null : secondsOf(interval),
        rules: rules.map(loadedForm),
      })),
  );

const loadedForm = (rule: Rule): LoadedRule =>
  'record' in rule
    ? {
        kind: 'recording',
        name: rule.record,
        query: rule.expr,
        labels: rule.labels ?? {},
        annotations: {},
        forSeconds: 0,
      }
    : {
        kind: 'alerting',
        name: rule.alert,
        query: rule.expr,
        labels: rule.labels,
        annotations: rule.annotations,
        forSeconds: rule.for === undefined ? 0 : secondsOf(rule.for),
      };

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const secondsOf = (span: string): number => Number(span.slice(0, -1)) * (UNIT_SECONDS[span.slice(-1)] ?? Number.NaN);

/** Texts and comments, which can contain anything, and the space between tokens. */
const TOKENS = new RegExp(String.raw`(${PROMQL_STRING})|#[^\n]*|\s+`, 'g');

/** Returns a query without space and comments, which have no meaning. */
export const compact = (query: string): string => query.replaceAll(TOKENS, (_, text: string | undefined) => text ?? '');

/**
 * Returns the queries that are written differently from the loaded ones. Prometheus lists a query in its own notation,
 * so only its formatter can tell whether they are the same.
 */
export function queriesToFormat(wanted: readonly WantedGroup[], loaded: readonly LoadedGroup[]): string[] {
  const queries = wanted.flatMap((group) =>
    pairsIn(group, groupsNamed(loaded, group.name)).both.flatMap(([rule, found]) =>
      compact(rule.query) === compact(found.query) ? [] : [rule.query, found.query],
    ),
  );
  return [...new Set(queries)];
}

/**
 * Compares the generated groups with the loaded ones.
 *
 * @param formatted queries in the notation of Prometheus. A query that is not among them is not compared.
 */
export function ruleDifferences(
  wanted: readonly WantedGroup[],
  loaded: readonly LoadedGroup[],
  formatted: ReadonlyMap<string, string>,
): { differences: RuleDifference[]; notCompared: number } {
  let notCompared = 0;
  const isLoaded = (name: string): boolean => loaded.some((group) => group.name === name);
  const differences: RuleDifference[] = [];
  for (const [file, groups] of Map.groupBy(wanted, (group) => group.file)) {
    const missing = groups.filter(({ name }) => !isLoaded(name));
    if (missing.length === groups.length) {
      const all = groups.flatMap(({ rules }) => rules);
      const places = groups.some(({ rules }) => placesOf(rules).length === 0) ? [] : placesOf(all);
      differences.push({ kind: 'missing', name: file, detail: `none of its groups is loaded; ${LOAD}`, places });
      continue;
    }
    for (const group of groups) {
      if (missing.includes(group)) {
        const detail = `the group of ${file} is not loaded; ${REGENERATE}`;
        differences.push({ kind: 'missing', name: group.name, detail, places: placesOf(group.rules) });
        continue;
      }
      const found = groupDifferences(group, groupsNamed(loaded, group.name), formatted);
      differences.push(...found.differences);
      notCompared += found.notCompared;
    }
  }
  const known = new Set(wanted.map(({ name }) => name));
  for (const { name, file, rules } of loaded.filter((group) => !known.has(group.name))) {
    const detail = `the group is loaded${file === null ? '' : ` from ${file}`}, but no longer generated; ${REGENERATE}`;
    differences.push({ kind: 'stale', name, detail, places: placesOf(rules) });
  }
  return { differences, notCompared };
}

const REGENERATE = 'run firebreak slo generate with the same options, and reload Prometheus';
const LOAD = 'add it to rule_files, and reload Prometheus';

/** Groups of one name in several files count as one: a file can be loaded twice. */
const groupsNamed = (loaded: readonly LoadedGroup[], name: string): LoadedGroup[] =>
  loaded.filter((group) => group.name === name);

type Pairs = { both: [LoadedRule, LoadedRule][]; missing: LoadedRule[]; stale: LoadedRule[] };

/** Pairs rules by name and labels; what remains, by name. */
function pairsIn({ rules }: WantedGroup, loaded: readonly LoadedGroup[]): Pairs {
  const known = new Set(rules.map(keyOf));
  const found = loaded.flatMap((group) => group.rules);
  const byKey = new Map(found.map((rule) => [keyOf(rule), rule]));
  const others = [...byKey].filter(([key]) => !known.has(key)).map(([, rule]) => rule);
  const pairs: Pairs = { both: [], missing: [], stale: [] };
  for (const rule of rules) {
    const same = byKey.get(keyOf(rule));
    const index =
      same === undefined ? others.findIndex(({ kind, name }) => kind === rule.kind && name === rule.name) : -1;
    const [renamed] = index === -1 ? [] : others.splice(index, 1);
    const partner = same ?? renamed;
    if (partner === undefined) pairs.missing.push(rule);
    else pairs.both.push([rule, partner]);
  }
  pairs.stale.push(...others);
  return pairs;
}

const keyOf = ({ kind, name, labels }: LoadedRule): string => JSON.stringify([kind, name, sorted(labels)]);

const sorted = (labels: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));

const isSame = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function groupDifferences(
  group: WantedGroup,
  loaded: readonly LoadedGroup[],
  formatted: ReadonlyMap<string, string>,
): { differences: RuleDifference[]; notCompared: number } {
  const { both, missing, stale } = pairsIn(group, loaded);
  let notCompared = 0;
  const differences: RuleDifference[] = [];
  const add = (kind: RuleDifference['kind'], rule: LoadedRule, what: string): void => {
    const detail = `${what}; ${REGENERATE}`;
    differences.push({ kind, name: `${group.name}: ${titleOf(rule)}`, detail, places: placesOf([rule]) });
  };
  const interval = loaded.find(({ intervalSeconds }) => intervalSeconds !== group.intervalSeconds)?.intervalSeconds;
  if (group.intervalSeconds !== null && interval !== undefined) {
    const detail = `the group is evaluated every ${interval} s instead of every ${group.intervalSeconds} s; ${REGENERATE}`;
    differences.push({ kind: 'changed', name: group.name, detail, places: placesOf(group.rules) });
  }
  for (const [rule, found] of both) {
    const query = comparison(rule.query, found.query, formatted);
    if (query === 'unknown') notCompared += 1;
    const parts = [
      ...(query === 'different' ? ['query'] : []),
      ...(isSame(rule.labels, found.labels) ? [] : ['labels']),
      ...(isSame(rule.annotations, found.annotations) ? [] : ['annotations']),
      ...(rule.forSeconds === found.forSeconds ? [] : ['time until it fires']),
    ];
    if (parts.length > 0) add('changed', rule, `another ${parts.join(', ')} is loaded`);
  }
  for (const rule of missing) add('missing', rule, 'the rule is not loaded');
  for (const rule of stale) add('stale', rule, 'the rule is loaded, but no longer generated');
  return { differences, notCompared };
}

function comparison(
  wanted: string,
  loaded: string,
  formatted: ReadonlyMap<string, string>,
): 'same' | 'different' | 'unknown' {
  if (compact(wanted) === compact(loaded)) return 'same';
  const [formattedWanted, formattedLoaded] = [formatted.get(wanted), formatted.get(loaded)];
  if (formattedWanted === undefined || formattedLoaded === undefined) return 'unknown';
  return compact(formattedWanted) === compact(formattedLoaded) ? 'same' : 'different';
}

/** Returns the name of a rule with the labels that distinguish it from others of the group. */
function titleOf({ name, labels }: LoadedRule): string {
  const values = ['slo', 'service', 'environment', 'long_window'].flatMap((label) => labels[label] ?? []);
  return values.length === 0 ? name : `${name} (${values.join(', ')})`;
}

function placesOf(rules: readonly LoadedRule[]): ServiceEnvironment[] {
  const places = new Map(
    rules.flatMap(({ labels: { service, environment } }) =>
      service === undefined || environment === undefined
        ? []
        : [[JSON.stringify([service, environment]), { service, environment } as ServiceEnvironment] as const],
    ),
  );
  return [...places.values()];
}
