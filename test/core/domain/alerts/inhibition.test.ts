import { expect, test } from 'vitest';
import {
  groupsOfSource,
  groupsOfTarget,
  inhibitedBy,
  inhibitingWithin,
  type Inhibitor,
} from '../../../../core/domain/alerts/inhibition.ts';
import { RoutesFile } from '../../../../schemas/alerts/routes.ts';

const labels = (of: Record<string, string>) => new Map(Object.entries(of));
const firing = (title: string, of: Record<string, string>): Inhibitor => ({ title, labels: labels(of) });
const { inhibit_rules: rules } = RoutesFile.parse({
  inhibit_rules: [
    {
      source_matchers: ['alertname="ClusterDown"'],
      target_matchers: 'severity=~"warning|critical"',
      equal: ['cluster'],
    },
    { source_matchers: { severity: 'critical' }, target_matchers: { severity: 'warning' }, equal: ['service', 'zone'] },
  ],
});

test.each<[string, Record<string, string>, Inhibitor[], string | null]>([
  [
    'while a source fires',
    { severity: 'warning', cluster: 'eu' },
    [firing('a', { alertname: 'ClusterDown', cluster: 'eu' })],
    'a',
  ],
  [
    'not with another value of an equal label',
    { severity: 'warning', cluster: 'eu' },
    [firing('a', { alertname: 'ClusterDown', cluster: 'us' })],
    null,
  ],
  [
    'not unless it is a target',
    { severity: 'info', cluster: 'eu' },
    [firing('a', { alertname: 'ClusterDown', cluster: 'eu' })],
    null,
  ],
  [
    'if an equal label is missing in both',
    { severity: 'warning', service: 'x' },
    [firing('b', { severity: 'critical', service: 'x' })],
    'b',
  ],
  ['not without a source', { severity: 'warning', cluster: 'eu' }, [], null],
  [
    'not by one that is a target of the same rule, as it is itself a source',
    { alertname: 'ClusterDown', severity: 'critical', cluster: 'eu' },
    [firing('c', { alertname: 'ClusterDown', severity: 'critical', cluster: 'eu' })],
    null,
  ],
])('an alert is inhibited %s', (_, target, sources, by) => {
  expect(inhibitedBy(rules, labels(target), sources)?.name ?? null).toBe(by);
  const groups = new Set(groupsOfTarget(rules, labels(target)));
  const inhibiting = sources.filter((one) => groupsOfSource(rules, one.labels).some((group) => groups.has(group)));
  expect(inhibiting.map(({ title }) => title)).toEqual(by === null ? [] : [by]);
});

test('only sources are stored', () => {
  expect(groupsOfSource(rules, labels({ severity: 'critical' }))).toHaveLength(1);
  expect(groupsOfSource(rules, labels({ severity: 'warning' }))).toEqual([]);
});

test('of the alerts of one request, those that inhibit another one in it are found', () => {
  const alerts = [
    firing('target', { severity: 'warning', cluster: 'eu' }),
    firing('source', { alertname: 'ClusterDown', cluster: 'eu' }),
    firing('of another cluster', { alertname: 'ClusterDown', cluster: 'us' }),
    firing('both', { alertname: 'ClusterDown', severity: 'critical', cluster: 'asia' }),
    firing('both, too', { alertname: 'ClusterDown', severity: 'critical', cluster: 'asia' }),
  ];
  expect(inhibitingWithin(rules.slice(0, 1), alerts).map(({ title }) => title)).toEqual(['source']);
  const more = [...alerts, firing('target of both', { severity: 'critical', cluster: 'asia' })];
  expect(inhibitingWithin(rules.slice(0, 1), more).map(({ title }) => title)).toEqual(['source', 'both', 'both, too']);
});

test('a rule without a source mutes its targets while any other alert fires, as in kube-prometheus-stack', () => {
  const { inhibit_rules: withoutSource } = RoutesFile.parse({
    inhibit_rules: [{ target_matchers: ['alertname = InfoInhibitor'] }],
  });
  const one = firing('InfoInhibitor', { alertname: 'InfoInhibitor' });
  const another = firing('Down', { alertname: 'Down' });
  expect(inhibitedBy(withoutSource, one.labels, [one])).toBeNull();
  expect(inhibitedBy(withoutSource, one.labels, [one, another])?.name).toBe('Down');
  expect(inhibitedBy(withoutSource, another.labels, [one, another])).toBeNull();
});
