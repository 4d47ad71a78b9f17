import { describe, expect, test } from 'vitest';
import { NewChange } from '../../../schemas/changes/change.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { WatchRecord } from '../../../schemas/judge/watch.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { endFindings, reportFindings } from '../../../workflows/steps/judge/report-findings.ts';
import { wake } from '../../../workflows/wake.ts';
import { NOON } from '../../core/arbitraries.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import { arrivals } from '../../support/signals.ts';
import { configured, deploys, ends, fires, type Moment, play, samplesOf, theIncident, withHealth } from '../play.ts';

/** Replaces the default deploys with these, before noon; oldest first. */
const deployed =
  (...all: Moment[]): Moment =>
  async (world) => {
    world.store.forgetChanges();
    for (const each of all) await each(world);
  };

async function judged(...given: Moment[]): Promise<{ world: FakeWorld; decision: DecisionView }> {
  const { world } = await play({ given, timeline: { '0 s': fires(), '5 min': ends() } });
  const [decision] = (await world.deps.incidents.view(theIncident(world)))?.decisions ?? [];
  if (decision === undefined) throw new Error('nothing was judged');
  return { world, decision };
}

const versionsOf = async (world: FakeWorld, service: string): Promise<string[]> => {
  const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
  return (inputs?.evidence.changes ?? [])
    .map(({ change }) => change)
    .filter((change) => change.service === service)
    .map(({ version }) => version);
};

describe('evidence of older changes', () => {
  test('includes the version before the suspect, however old: a restart of the same version is no new version', async () => {
    const { world, decision } = await judged(deployed(deploys('v1', 900), deploys('v2', 300), deploys('v2', 8)));
    expect(decision).toMatchObject({ kind: 'none', from_version: 'v2', to_version: 'v1' });
    expect(JSON.stringify(decision.reasons.at(-1))).toContain('v2 was already running before it');
    expect(world.calls.filter((call) => call.startsWith('cd'))).toEqual([]);
    expect(await versionsOf(world, 'checkout')).toEqual(['v2', 'v2']);
  });

  test('excludes failed deploys and flags', async () => {
    const { decision } = await judged(
      deployed(
        deploys('v1', 900),
        deploys('v2', 600),
        deploys('v3', 400, { status: 'failed' }),
        deploys('new-basket', 300, { kind: 'flag' }),
        deploys('v2', 8),
      ),
    );
    expect(decision).toMatchObject({ kind: 'none', from_version: 'v2' });
  });

  test('ignores an old rollout whose end was never reported', async () => {
    const { decision } = await judged(
      deployed(
        deploys('v1', 9000),
        deploys('v1b', 7000, { status: 'started', finished_at: null }),
        deploys('v2', 300),
        deploys('v2', 8),
      ),
    );
    expect(decision).toMatchObject({ kind: 'none', from_version: 'v2' });
  });

  test('does not prevent a rollback to a different earlier version', async () => {
    const { world, decision } = await judged(deployed(deploys('v0', 900), deploys('v1', 300), deploys('v2', 8)));
    expect(decision).toMatchObject({ kind: 'roll_back', from_version: 'v2', to_version: 'v1' });
    expect(await versionsOf(world, 'checkout')).toEqual(['v1', 'v2']);
  });

  test('covers the dependencies of a service', async () => {
    const dependsOnPayments: Moment = (world) => {
      const environments = { production: { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } } };
      const services = { checkout: { dependsOn: ['payments'], environments }, payments: { environments } };
      world.config = Config.parse({ version: 'test', services, paging: {} });
    };
    const ofPayments = { service: 'payments' };
    const { world, decision } = await judged(
      dependsOnPayments,
      deployed(deploys('v1', 900), deploys('p1', 300, ofPayments), deploys('p1', 8, ofPayments)),
    );
    expect(await versionsOf(world, 'payments')).toEqual(['p1', 'p1']);
    const [suspect] = (await world.deps.incidents.view(theIncident(world)))?.suspects ?? [];
    expect(suspect?.reasons.join()).toContain('payments p1');
    expect(suspect?.reasons).toContainEqual(expect.stringContaining('p1 was already running before it'));
    expect(decision.kind).toBe('none');
  });
});

test.each([
  ['with a new version', deployed(deploys('v1', 900), deploys('v2', 8)), true],
  ['without a new version', deployed(deploys('v1', 900)), false],
])('the pods of a service are read in an incident %s', async (_, changes, areRead) => {
  const read = new Set<string>();
  const { world } = await judged(
    changes,
    configured({ health: { promql: 'errors', max: 0.01, pods: 'pod=~"a.+"' } }),
    ({ deps }) => {
      deps.metrics.rangeByLabel = async (query) => {
        if (query.includes('kube_pod')) read.add('metrics');
        return null;
      };
      const { deployerFor } = deps.targets;
      deps.targets.deployerFor = async (...target) => {
        const deployer = await deployerFor(...target);
        const instances = async () => {
          read.add('cluster');
          return { kind: 'instances' as const, instances: [], unread: null };
        };
        return deployer && { ...deployer, instances };
      };
    },
  );
  const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
  expect({ read: [...read], pods: inputs?.evidence.pods }).toEqual(
    areRead ? { read: ['metrics', 'cluster'], pods: [] } : { read: [], pods: undefined },
  );
});

/** The watch of v2 reports that the version has been degraded since two minutes before noon, or that this has ended. */
const watchReports =
  (send: typeof reportFindings): Moment =>
  async ({ deps, config }) => {
    const { incidents, clock } = deps;
    const admit = async (signals: readonly Signal[]) => {
      const { wake: ids } = await incidents.admit(arrivals(signals, config), { at: clock.now(), trace: 'watch' });
      for (const id of ids) await wake(deps, id);
    };
    const queue: typeof deps.queue = { ...deps.queue, sendAll: (_, signals) => admit(signals) };
    await send({ ...deps, queue }, WATCH);
  };

const WATCH = {
  id: 'wch_0123456789abcdef0123456789',
  service: 'checkout',
  environment: 'production',
  version: 'v2',
  reason: 'errors: 3 %',
  started_at: plusSeconds(NOON, -300),
  degraded_since: plusSeconds(NOON, -120),
  findings: ['degraded'],
  reported: ['degraded'],
} as unknown as WatchRecord;

describe('the alert of a watch', () => {
  /** Returns the evidence of an incident that a watch opens at noon. */
  const evidenceAt = async (...given: Moment[]) => {
    const { world } = await play({
      given,
      timeline: { '0 s': watchReports(reportFindings), '5 min': watchReports(endFindings) },
    });
    return (await world.deps.decisions.inputs(theIncident(world), 1))?.evidence ?? expect.unreachable();
  };

  test('does not name the version that fails, as alerts of others do: the watch has chosen it', async () => {
    expect((await evidenceAt()).alert_versions).toEqual([]);
    const { world } = await play({
      timeline: { '0 s': fires({ labels: { version: 'v2' } }), '5 min': ends() },
    });
    const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
    expect(inputs?.evidence.alert_versions).toEqual(['v2']);
  });

  test('tells the start of the problem only where health is not measured', async () => {
    expect((await evidenceAt()).onset.alertStartedAt).toBe(WATCH.degraded_since);
    expect((await evidenceAt(withHealth)).onset.alertStartedAt).toBe(NOON);
  });
});

describe('evidence of the onset', () => {
  test('is before the arrival of the alert, even if its clock is an hour ahead', async () => {
    const { world } = await play({
      given: [deployed(deploys('v1', 300), deploys('v2', 4))],
      timeline: { '0 s': fires({ began: -3600 }), '5 min': ends() },
    });
    const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
    expect(inputs?.evidence.onset.alertStartedAt).toBe('2026-11-20T12:00:00.000Z');
    expect(world.calls.filter((call) => call.startsWith('cd'))).toHaveLength(1);
  });
});

test('measures the variants of flags that were changed shortly before, by their keys', async () => {
  const health = {
    promql: 'e',
    max: 0.01,
    byFlagVariant: 'e by (flag_variant, "$flag")',
    trafficByFlagVariant: 'r by (flag_variant, "$flag")',
  };
  const asked: string[] = [];
  const checkout = { service: 'checkout', environment: 'production' };
  const { world } = await judged(configured({ health }), async ({ deps: { changes, metrics }, store }) => {
    for (const version of ['new-cart 7 (on)', 'bad"key 1 (on)']) {
      const deploy = store.changes.find((one) => one.version === 'v2');
      if (deploy === undefined) throw new Error('v2 is missing');
      await changes.record(NewChange.parse({ ...checkout, kind: 'flag', version, started_at: deploy.started_at }));
    }
    metrics.range = async (_promql, from, until) => samplesOf(from, until, () => 0.2);
    metrics.rangeByLabel = async (promql, label, _from, until) => {
      asked.push(`${String(label)}: ${promql}`);
      return ['on', 'off'].map((one) => ({ label: one, curve: samplesOf(plusSeconds(until, -60), until, () => 0.2) }));
    };
  });
  const { evidence } = (await world.deps.decisions.inputs(theIncident(world), 1)) ?? expect.unreachable();
  expect(evidence.by_flag?.map(({ flag, variants }) => [flag, variants.map((one) => one.version)])).toEqual([
    ['new-cart', ['on', 'off']],
  ]);
  expect(new Set(asked)).toEqual(
    new Set(['flag_variant: e by (flag_variant, "new-cart")', 'flag_variant: r by (flag_variant, "new-cart")']),
  );
});

describe('evidence by version over a shorter window', () => {
  const errors = 'sum by (version) (rate(requests{code=~"5.."}[10m]))';
  const requests = 'sum by (version) (rate(requests[10m]))';
  /** Returns the shorter window, and the queries by version that were asked. @param scrapes in ten minutes */
  const read = async (health: { byVersion: string; trafficByVersion?: string }, scrapes: number | null) => {
    const asked: string[] = [];
    const { world } = await judged(
      configured({ health: { promql: 'e', max: 0.01, ...health } }),
      ({ deps: { metrics } }) => {
        metrics.range = async (promql, from, until) =>
          promql.startsWith('max(count')
            ? scrapes === null
              ? null
              : samplesOf(from, until, () => scrapes)
            : samplesOf(from, until, (at) => (at < plusSeconds(until, -60) ? 0 : 0.2));
        metrics.rangeByLabel = async (promql, _label, from, until) => {
          asked.push(promql);
          return [{ label: 'v2', curve: samplesOf(from, until, () => 0.2) }];
        };
      },
    );
    const { evidence } = (await world.deps.decisions.inputs(theIncident(world), 1)) ?? expect.unreachable();
    const { window, versions } = evidence.by_version_close ?? {};
    return { window, isCounted: versions?.every(({ traffic }) => (traffic?.length ?? 0) > 0), asked: asked.slice(2) };
  };
  const ratio = { byVersion: `${errors} / ${requests}`, trafficByVersion: requests };
  const over = (query: string, seconds: number) => query.replaceAll('[10m]', `[${seconds}s]`);

  test('is read over four scrapes', async () => {
    expect(await read(ratio, 40)).toMatchObject({
      window: 60,
      isCounted: true,
      asked: expect.arrayContaining([over(ratio.byVersion, 60), over(requests, 60)]),
    });
    expect(await read(ratio, 20)).toMatchObject({ window: 120 });
  });

  test('is not read if the window is about as short, if scrapes are not known, or if the query names no window', async () => {
    expect(await read(ratio, 4)).toMatchObject({ window: undefined });
    expect(await read(ratio, null)).toMatchObject({ window: undefined });
    expect(await read({ byVersion: 'shop:errors:ratio_rate10m' }, 40)).toMatchObject({ window: undefined });
  });

  test('takes the requests from what the ratio divides by, if no query for them is configured', async () => {
    expect(await read({ byVersion: ratio.byVersion }, 20)).toMatchObject({ window: 120, isCounted: true });
    expect(await read({ byVersion: ratio.byVersion }, 4)).toMatchObject({ window: 600, isCounted: true });
  });
});

describe('evidence by version', () => {
  const health = { promql: 'e', max: 0.01, byVersion: 'e by (version)', trafficByVersion: 'r by (version)' };
  /** Returns the versions with the numbers of their samples of errors and requests. */
  const read = async (errors: readonly string[], requests: readonly string[]): Promise<[string, number, number][]> => {
    const { world } = await judged(configured({ health }), ({ deps: { metrics } }) => {
      metrics.range = async (_promql, from, until) => samplesOf(from, until, () => 0.2);
      metrics.rangeByLabel = async (promql, _label, from, until) =>
        (promql === health.byVersion ? errors : requests).map((label) => ({
          label,
          curve: samplesOf(plusSeconds(until, -60) > from ? plusSeconds(until, -60) : from, until, () => 0.2),
        }));
    });
    const { evidence } = (await world.deps.decisions.inputs(theIncident(world), 1)) ?? expect.unreachable();
    return (evidence.by_version ?? []).map(({ version, curve, traffic }) => [
      version,
      curve.length,
      traffic?.length ?? -1,
    ]);
  };

  test('includes versions with requests and without errors', async () => {
    expect(await read(['v2'], ['v1', 'v2'])).toEqual([
      ['v2', 3, 3],
      ['v1', 0, 3],
    ]);
  });

  test('tells which versions were never recorded for the service: nothing is compared with them', async () => {
    const { world } = await judged(configured({ health }), ({ deps: { metrics } }) => {
      metrics.rangeByLabel = async (_promql, _label, from, until) =>
        ['v2', 'v9'].map((label) => ({ label, curve: samplesOf(from, until, () => 0.2) }));
    });
    const { evidence } = (await world.deps.decisions.inputs(theIncident(world), 1)) ?? expect.unreachable();
    expect(evidence.unrecorded_versions).toEqual(['v9']);
  });

  test('does not mix queries that name versions differently', async () => {
    expect(await read(['2.0.1'], ['v2', 'v1'])).toEqual([['2.0.1', 3, 0]]);
  });
});
