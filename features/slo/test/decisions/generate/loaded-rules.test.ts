import { expect, test } from 'vitest';
import { generatedRules } from '../../../decisions/generate/files.ts';
import {
  compact,
  generatedGroups,
  optionsOf,
  queriesToFormat,
  ruleDifferences,
  wantedGroups,
} from '../../../decisions/generate/loaded-rules.ts';
import type { LoadedGroup } from '../../../types.ts';
import { hash } from '../../../../freeze/test/decisions/builders.ts';
import { badOfAll, goodOfAll, objective } from './objectives.ts';

const OPTIONS = {
  preset: 'multiwindow',
  raw: true,
  url: 'https://firebreak.example',
  hash,
  services: {},
  environments: ['production'],
  lowVelocity: false,
} as const;

const SLOS = [objective('a', badOfAll), objective('b', goodOfAll, { service: 'rpc' })];

const wanted = (slos = SLOS, options: Partial<Parameters<typeof generatedRules>[1]> = {}) =>
  wantedGroups(generatedRules(slos, { ...OPTIONS, ...options }));

/** Returns the groups as a Prometheus lists them. */
const loaded = (...all: Parameters<typeof wanted>): LoadedGroup[] =>
  wanted(...all).map(({ name, intervalSeconds, rules }) => ({
    name,
    file: '/etc/prometheus/rules.yaml',
    intervalSeconds: intervalSeconds ?? 60,
    rules: rules.map((rule) => ({ ...rule, labels: { ...rule.labels }, query: rule.query.replaceAll(/\s+/g, ' ') })),
  }));

/** Returns the element, which the test expects to be there. */
function present<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('not found');
  return found;
}

const named = <T extends { name: string }>(all: readonly T[], name: string): T =>
  present(all.find((one) => one.name === name));

const compared = (from: LoadedGroup[], slos = SLOS) => {
  const { url, ...options } = optionsOf(from);
  return ruleDifferences(wanted(slos, { ...options, url: url ?? '' }), from, new Map());
};

test.each([
  ['multiwindow', {}],
  ['simple', { preset: 'simple' }],
  ['without raw rules', { raw: false }],
  ['with low velocity, at another address', { lowVelocity: true, url: 'http://elsewhere:8080/firebreak' }],
] as const)('rules that were generated with other options do not differ: %s', (_, options) => {
  expect(compared(loaded(SLOS, options))).toEqual({ differences: [], notCompared: 0 });
});

test('groups of others are left alone', () => {
  const names = ['firebreak-itself', 'sloth-slo-x', 'firebreak-deliveries', 'node'];
  const others = names.map((name) => ({ name, file: null, intervalSeconds: 60, rules: [] }));
  expect(generatedGroups([...others, ...loaded()]).map(({ name }) => name)).toEqual(loaded().map(({ name }) => name));
});

test('a rule that was changed, removed, or added by hand is named with its group and place', () => {
  const groups = loaded();
  const group = named(groups, 'firebreak-slo-rpc');
  const [first, second, third, ...rest] = group.rules;
  group.rules = [
    { ...present(first), query: 'vector(7)' },
    { ...present(third), name: 'firebreak:slo_own:thing' },
    present(second),
    ...rest,
  ];
  const burn = named(groups, 'firebreak-slo-burn');
  burn.rules = burn.rules.map((rule, index) =>
    index === 0 ? { ...rule, forSeconds: 600, annotations: { ...rule.annotations, summary: 'mine' } } : rule,
  );
  const formatted = new Map(queriesToFormat(wanted(), groups).map((query) => [query, `${query} `]));
  const { differences, notCompared } = ruleDifferences(wanted(), groups, formatted);
  expect(notCompared).toBe(0);
  expect(
    differences.map(({ kind, name, detail, places }) => [kind, name, detail.split(';')[0], places.length]),
  ).toEqual([
    ['changed', 'firebreak-slo-rpc: firebreak:slo_events:rate5m (b, rpc, production)', 'another query is loaded', 1],
    [
      'missing',
      'firebreak-slo-rpc: firebreak:slo_error_budget:ratio (b, rpc, production)',
      'the rule is not loaded',
      1,
    ],
    [
      'stale',
      'firebreak-slo-rpc: firebreak:slo_own:thing (b, rpc, production)',
      'the rule is loaded, but no longer generated',
      1,
    ],
    ['changed', 'firebreak-slo-burn: SLOFastBurn (1h)', 'another annotations, time until it fires is loaded', 0],
  ]);
});

test('a service that is new, and one that is gone, differ as groups; a file that is not loaded is one difference', () => {
  const groups = loaded(SLOS, { raw: false }).filter(
    ({ name }) => !['firebreak-slo-burn', 'firebreak-deployments'].includes(name),
  );
  const now = [...SLOS.slice(0, 1), objective('c', badOfAll, { service: 'search' })];
  const { differences } = compared(groups, now);
  expect(differences.map(({ kind, name, places }) => [kind, name, places.map(({ service }) => service)])).toEqual([
    ['missing', 'firebreak-slo-search', ['search']],
    ['missing', 'prometheus/slo-alerts.yaml', []],
    ['stale', 'firebreak-slo-rpc', ['rpc']],
  ]);
});

test('a query in another notation is compared only in the notation of Prometheus', () => {
  const groups = loaded();
  const rule = present(named(groups, 'firebreak-slo-checkout').rules[0]);
  const generated = present(named(wanted(), 'firebreak-slo-checkout').rules[0]).query;
  rule.query = 'another notation';
  expect(ruleDifferences(wanted(), groups, new Map())).toEqual({ differences: [], notCompared: 1 });
  const same = new Map([
    [generated, '  one\n/\n  two'],
    ['another notation', 'one / two'],
  ]);
  expect(ruleDifferences(wanted(), groups, same)).toEqual({ differences: [], notCompared: 0 });
});

test.each([
  ['a  +\n b # a comment', 'a+b'],
  ['x{y="a  # b"} ', 'x{y="a  # b"}'],
  ["x{y='a \\' b'}  + z{w=`c  d`}", "x{y='a \\' b'}+z{w=`c  d`}"],
])('space outside of texts has no meaning: %s', (query, expected) => {
  expect(compact(query)).toBe(expected);
});

test('the interval of a group counts', () => {
  const groups = loaded().map((group) =>
    group.name === 'firebreak-slo-ratios' ? { ...group, intervalSeconds: 300 } : group,
  );
  expect(compared(groups).differences).toMatchObject([
    {
      kind: 'changed',
      name: 'firebreak-slo-ratios',
      detail: expect.stringContaining('every 300 s instead of every 30 s'),
    },
  ]);
});
