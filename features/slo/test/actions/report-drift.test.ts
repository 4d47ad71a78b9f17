import { beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../../../core/stores/hash.ts';
import { type DriftDeps, reportDrift } from '../../actions/report-drift.ts';
import { generatedDashboards, generatedRules } from '../../decisions/generate/files.ts';
import { wantedGroups } from '../../decisions/generate/loaded-rules.ts';
import type { Loaded, LoadedGroup, LoadedMonitoring, LoadedPanel } from '../../types.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';
import { badOfAll, goodOfAll, objective } from '../decisions/generate/objectives.ts';

const SLOS = [objective('a', badOfAll), objective('b', goodOfAll, { service: 'rpc' })];
const ENVIRONMENTS = { production: {} };

let world: FakeWorld;
let deps: DriftDeps;
let loaded: LoadedGroup[];
let answer: (() => Loaded<LoadedGroup[]> | null) | undefined;
let sent: Signal[];
let dashboard: LoadedMonitoring['dashboard'];

const groups = (): LoadedGroup[] =>
  wantedGroups(
    generatedRules(SLOS, {
      preset: 'multiwindow',
      raw: true,
      lowVelocity: false,
      url: 'https://firebreak.example',
      services: {},
      environments: ['production'],
      hash: sha256,
    }),
  ).map(({ name, intervalSeconds, rules }) => ({ name, file: null, intervalSeconds: intervalSeconds ?? 60, rules }));

const configured = (driftAlert: string) =>
  Config.parse({
    version: 'test',
    paging: {},
    services: { checkout: { environments: ENVIRONMENTS }, rpc: { environments: ENVIRONMENTS } },
    delivery: { driftAlert },
    slos: structuredClone(SLOS),
  });

beforeEach(() => {
  world = new FakeWorld();
  world.config = configured('ticket');
  [loaded, answer, sent, dashboard] = [groups(), undefined, [], async () => null];
  const stored = new Map<string, Uint8Array>();
  deps = {
    ...world.deps,
    blobs: {
      get: async (key) => stored.get(key),
      put: async (key, body) => void stored.set(key, Buffer.from(body)),
      putNew: async () => true,
    },
    silences: { active: async () => null, inhibitsSlowBurns: async () => true },
    loadedMonitoring: {
      rules: async () => (answer === undefined ? { kind: 'read', value: loaded } : answer()),
      formatted: async (query) => query,
      routing: async () => ({ kind: 'read', value: [] }),
      dashboard: async (uid) => dashboard(uid),
    },
    queue: Object.assign({}, world.deps.queue, {
      sendAll: async (_: unknown, signals: Signal[]) => void sent.push(...signals),
    }),
  };
});

/** Runs the job every minute. */
async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await reportDrift(deps);
    world.clock.set(world.clock.millis + 60_000);
  }
}

const changes = async (service: 'checkout' | 'rpc') => {
  const place = { service, environment: 'production' } as Parameters<typeof deps.changes.recent>[0];
  return (await deps.changes.recent(place, 10)).map(({ kind, version, reported_by }) => ({
    kind,
    isOfRules: version.startsWith('rules-'),
    reported_by,
  }));
};

const DRIFT = { kind: 'config', isOfRules: true, reported_by: 'drift' };
const said = () =>
  sent.map(({ status, severity, title, annotations }) => [
    status,
    severity,
    title,
    new Map(annotations).get('description'),
  ]);

test('a service whose rules are gone for half an hour is an alert and a change of it, and ends when they are back', async () => {
  await minutes(20);
  loaded = loaded.filter(({ name }) => name !== 'firebreak-slo-rpc');
  await minutes(40);
  expect(said()).toEqual([]);
  await minutes(30);
  expect(said()).toEqual([
    [
      'firing',
      'warning',
      'The loaded rules, routes, or dashboards differ from what firebreak slo generate writes',
      expect.stringMatching(
        /^Prometheus: missing: firebreak-slo-rpc: the group of prometheus\/slo-recording.yaml is not loaded; run/,
      ),
    ],
  ]);
  expect([await changes('rpc'), await changes('checkout')]).toEqual([[DRIFT], []]);
  await minutes(60);
  expect([sent.length, await changes('rpc')]).toEqual([1, [DRIFT]]);
  loaded = groups();
  await minutes(20);
  expect(sent.map(({ status, episode }) => [status, episode === sent[0]?.episode])).toEqual([
    ['firing', true],
    ['resolved', true],
  ]);
});

test('a difference that ends before is no drift, and what cannot be read changes nothing', async () => {
  await minutes(16);
  loaded = [];
  await minutes(16);
  loaded = groups();
  await minutes(90);
  expect([said(), await changes('rpc')]).toEqual([[], []]);
  loaded = loaded.slice(1);
  await minutes(61);
  expect(sent.map(({ status }) => status)).toEqual(['firing']);
  answer = () => ({ kind: 'unreadable', detail: 'Prometheus answered 503' });
  await minutes(90);
  expect(sent.map(({ status }) => status)).toEqual(['firing']);
});

test('all generated rules are missed for a week after they were loaded, and never if they never were', async () => {
  answer = () => ({ kind: 'read', value: [] });
  await minutes(60);
  expect(sent).toEqual([]);
  answer = undefined;
  await minutes(16);
  answer = () => ({ kind: 'read', value: [] });
  await minutes(60);
  expect(said()).toEqual([
    ['firing', 'warning', expect.any(String), expect.stringContaining('no generated rules are loaded any more')],
  ]);
  expect([await changes('rpc'), await changes('checkout')]).toEqual([[DRIFT], [DRIFT]]);
  world.clock.set(world.clock.millis + 7 * 24 * 3_600_000);
  await minutes(2);
  expect(sent.map(({ status }) => status)).toEqual(['firing', 'resolved']);
});

test('it opens no incident by default, and can be turned off, which ends it', async () => {
  world.config = configured('info');
  loaded = loaded.slice(1);
  await minutes(46);
  expect(sent.map(({ status, severity }) => [status, severity])).toEqual([['firing', 'info']]);
  world.config = configured('off');
  await minutes(16);
  expect(sent.map(({ status }) => status)).toEqual(['firing', 'resolved']);
  await minutes(60);
  expect(sent).toHaveLength(2);
});

test('a dashboard that differs is an alert and no change; a token that may not read dashboards stops no comparison', async () => {
  const dora = generatedDashboards().get('grafana/dora.json') ?? expect.fail('no such dashboard');
  const panels = dora.panels.map(({ title, targets }) => ({
    title: String(title),
    queries: (targets as { expr: string }[]).map(({ expr }) => expr),
  }));
  const grafana = (value: LoadedPanel[]) => async (uid: string) =>
    ({ kind: 'read', value: uid === dora.uid ? value : null }) as const;
  dashboard = grafana(panels);
  await minutes(60);
  expect(sent).toEqual([]);
  dashboard = grafana(panels.slice(1));
  await minutes(60);
  expect(said().map(([, , , text]) => text)).toEqual([
    expect.stringMatching(/^Grafana: changed: Firebreak: DORA: panels that differ: Last 28 days;/),
  ]);
  expect([await changes('rpc'), await changes('checkout')]).toEqual([[], []]);
  dashboard = async () => ({ kind: 'unreadable', detail: 'Grafana answered 403' });
  await minutes(30);
  expect(sent.map(({ status }) => status)).toEqual(['firing']);
  dashboard = grafana(panels);
  await minutes(16);
  expect(sent.map(({ status }) => status)).toEqual(['firing', 'resolved']);
  dashboard = async () => ({ kind: 'unreadable', detail: 'Grafana answered 403' });
  loaded = loaded.filter(({ name }) => name !== 'firebreak-slo-rpc');
  await minutes(61);
  expect([sent.length, await changes('rpc'), await changes('checkout')]).toEqual([3, [DRIFT], []]);
});
