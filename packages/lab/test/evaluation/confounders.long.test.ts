import { describe, expect, test } from 'vitest';
import { type MonitoredCase, monitoredCase } from '../../evaluation/monitored/case.ts';
import { CONFOUNDER_CLASS_NAMES, type ConfounderClassName } from '../../evaluation/monitored/labels.ts';
import { portsAt } from '../../evaluation/monitored/ports.ts';
import { recordAt } from '../../evaluation/monitored/records.ts';
import type { Fault } from '../../evaluation/monitored/scenes/faults.ts';
import type { Instance } from '../../evaluation/monitored/scenes/rollouts.ts';
import type { Service } from '../../evaluation/monitored/services.ts';
import { REQUESTS } from '../../evaluation/monitored/telemetry/queries.ts';
import { counterSamplesOf, type Series } from '../../evaluation/monitored/telemetry/series.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

const SEED = 11;
const casesOf = (name: ConfounderClassName, count = 6): MonitoredCase[] =>
  Array.from({ length: count }, (_, number) => monitoredCase(SEED, name, number));

type Span = { from: number; until: number };
type Counts = { requests: number; failed: number };

const seriesOf = ({ telemetry }: MonitoredCase, { name }: Service): readonly Series[] =>
  telemetry.select(REQUESTS, [{ label: 'service', equals: name, matches: (of) => of === name }]);

/** Counts what monitoring has recorded of some instances in a time. */
function counted(one: MonitoredCase, service: Service, instances: readonly Instance[], span: Span): Counts {
  const total: Counts = { requests: 0, failed: 0 };
  for (const instance of instances) {
    const from = Math.max(span.from, instance.from);
    const until = Math.min(span.until, instance.until);
    for (const series of seriesOf(one, service).filter(({ labels }) => labels['instance'] === instance.name)) {
      const { times, increments } = counterSamplesOf(series);
      const sumAt = (at: number): number => increments[times.findLastIndex((time) => time <= at)] ?? 0;
      const first = times.findIndex((time) => time >= from);
      const risen = first === -1 ? 0 : Math.max(0, sumAt(until) - (increments[first] ?? 0));
      total.requests += risen;
      if (series.labels['code'] === '500') total.failed += risen;
    }
  }
  return total;
}

const ratioOf = ({ requests, failed }: Counts): number => failed / Math.max(1, requests);
const together = (all: readonly Counts[]): Counts => ({
  requests: all.reduce((sum, { requests }) => sum + requests, 0),
  failed: all.reduce((sum, { failed }) => sum + failed, 0),
});

const focusOf = ({ stage }: MonitoredCase): Service => stage.focus;
const instancesOf = (one: MonitoredCase): readonly Instance[] => one.telemetry.instances(focusOf(one));
const faultOf = (one: MonitoredCase, isIt: (fault: Fault) => boolean): Fault => {
  const found = one.world.faults.find((fault) => fault.service === focusOf(one).name && isIt(fault));
  if (found === undefined) throw new Error(`${one.id} has no such fault`);
  return found;
};
const newestVersion = (one: MonitoredCase): string =>
  one.stage.rollouts.findLast(({ service }) => service === focusOf(one).name)?.version ?? '';

/** Returns the failure ratios, over all cases, of the instances that a mechanism hits, and of the others. */
function split(
  cases: readonly MonitoredCase[],
  isHit: (instance: Instance, one: MonitoredCase) => boolean,
  spanOf: (one: MonitoredCase) => Span = ({ stage, at }) => ({ from: stage.onset, until: at }),
): { hit: number; others: number; hitInstances: Instance[] } {
  const parts = cases.map((one) => {
    const [hit, others] = [true, false].map((is) => instancesOf(one).filter((each) => isHit(each, one) === is));
    const count = (some: readonly Instance[] = []) => counted(one, focusOf(one), some, spanOf(one));
    return { hit: count(hit), others: count(others), hitInstances: hit ?? [] };
  });
  return {
    hit: ratioOf(together(parts.map(({ hit }) => hit))),
    others: ratioOf(together(parts.map(({ others }) => others))),
    hitInstances: parts.flatMap(({ hitInstances }) => hitInstances),
  };
}

const isNew = (instance: Instance, one: MonitoredCase): boolean => instance.version === newestVersion(one);

describe('in each class', () => {
  test.each(CONFOUNDER_CLASS_NAMES)('%s: the version in the metrics is that of the instance', (name) => {
    for (const one of casesOf(name, 2)) {
      if (focusOf(one).monitoring.labelling !== undefined) continue;
      const versions = new Map(instancesOf(one).map((each) => [`${each.name}/${each.version}`, each]));
      for (const { labels } of seriesOf(one, focusOf(one)))
        expect(versions.has(`${labels['instance']}/${labels['version']}`)).toBe(true);
    }
  });
});

describe('what is read at the start', () => {
  test.each(['config_at_start', 'config_at_start_recorded'] as const)(
    '%s: an instance fails if it started since, whichever version it runs',
    (name) => {
      const cases = casesOf(name, 40);
      const { hit, others, hitInstances } = split(cases, ({ from }, { stage }) => from >= stage.onset);
      expect(hit).toBeGreaterThan(0.03);
      expect(others).toBeLessThan(hit / 10);
      expect(hitInstances.length).toBeGreaterThan(0);
      const restarted = cases.filter((one) =>
        instancesOf(one).some((each) => each.from >= one.stage.onset && !isNew(each, one)),
      );
      expect(restarted.length).toBeGreaterThan(0);
      const old = split(
        restarted,
        (each, one) => each.from >= one.stage.onset && !isNew(each, one),
        ({ stage }) => ({
          from: stage.onset,
          until: stage.onset + 1200,
        }),
      );
      expect(old.hit).toBeGreaterThan(0.02);
    },
  );

  test('the change of the configuration is recorded, or is not', () => {
    const configs = ({ stage }: MonitoredCase) => stage.recorded.filter(({ kind }) => kind === 'config').length;
    expect(casesOf('config_at_start').map(configs)).toEqual(Array(6).fill(0));
    expect(casesOf('config_at_start_recorded').map(configs)).toEqual(Array(6).fill(1));
  });

  test('sidecar_at_start: instances from before keep working, of this service and of others', () => {
    const cases = casesOf('sidecar_at_start');
    const since = (one: MonitoredCase): number =>
      faultOf(one, (fault) => fault.startedSince !== undefined).startedSince ?? 0;
    const { hit, others } = split(cases, ({ from }, one) => from >= since(one));
    expect(hit).toBeGreaterThan(0.03);
    expect(others).toBeLessThan(hit / 10);
    expect(cases.some((one) => one.world.faults.some(({ service }) => service !== focusOf(one).name))).toBe(true);
  });
});

describe('where an instance runs', () => {
  const nodeOf = (one: MonitoredCase): string => faultOf(one, (fault) => fault.node !== undefined).node ?? '';

  test.each(['node_under_new', 'noisy_neighbour'] as const)('%s: only instances on this machine fail', (name) => {
    const cases = casesOf(name, 12);
    const { hit, others, hitInstances } = split(cases, ({ node }, one) => node === nodeOf(one));
    expect(hit).toBeGreaterThan(0.04);
    expect(others).toBeLessThan(hit / 5);
    const isAnySlot = new Set(hitInstances.map(({ slot }) => slot));
    expect(isAnySlot.size).toBeGreaterThan(1);
  });

  test('node_under_new: it is under the new version, and other instances of that version are well', () => {
    const cases = casesOf('node_under_new', 12);
    const live = (one: MonitoredCase) =>
      instancesOf(one).filter(({ from, until }) => from <= one.stage.onset && one.stage.onset < until);
    for (const one of cases) expect(live(one).some((each) => isNew(each, one) && each.node === nodeOf(one))).toBe(true);
    expect(cases.some((one) => live(one).some((each) => isNew(each, one) && each.node !== nodeOf(one)))).toBe(true);
  });

  test('node_under_new: other services fail in their instances on this machine only', () => {
    const on: Counts[] = [];
    const off: Counts[] = [];
    for (const one of casesOf('node_under_new', 12)) {
      const span = { from: one.stage.onset, until: one.at };
      for (const service of one.stage.services.filter((each) => each !== focusOf(one) && each.layer === 2)) {
        const all = one.telemetry.instances(service);
        const here = all.filter(({ node }) => node === nodeOf(one));
        on.push(counted(one, service, here, span));
        if (here.length > 0)
          off.push(
            counted(
              one,
              service,
              all.filter(({ node }) => node !== nodeOf(one)),
              span,
            ),
          );
      }
    }
    expect(ratioOf(together(on))).toBeGreaterThan(0.3);
    expect(ratioOf(together(off))).toBeLessThan(0.05);
  });

  test('noisy_neighbour: under either version', () => {
    const cases = casesOf('noisy_neighbour', 12);
    const versions = cases.map((one) =>
      instancesOf(one).some(
        (each) =>
          each.node === nodeOf(one) && each.from <= one.stage.onset && one.stage.onset < each.until && isNew(each, one),
      ),
    );
    expect(new Set(versions)).toEqual(new Set([true, false]));
  });

  test('partial_region: only one region fails, and it runs mostly the new version', () => {
    const cases = casesOf('partial_region');
    const { hit, others, hitInstances } = split(cases, ({ region }) => region === 'a');
    expect(hit).toBeGreaterThan(0.05);
    expect(others).toBeLessThan(hit / 5);
    expect(hitInstances.length).toBeGreaterThan(0);
    const atOnset = split(cases, isNew);
    expect(atOnset.hit).toBeGreaterThan(atOnset.others);
  });
});

test.each(['cold_start_rolling', 'cold_start_canary'] as const)(
  '%s: each new instance fails at first, and no more once it is warm',
  (name) => {
    const ages = (one: MonitoredCase, from: number, until: number): Counts =>
      together(
        instancesOf(one)
          .filter((each) => each.from >= one.stage.onset && each.until - each.from > until)
          .map((each) => counted(one, focusOf(one), [each], { from: each.from + from, until: each.from + until })),
      );
    const cases = casesOf(name, 8);
    const [young, old] = [
      together(cases.map((one) => ages(one, 0, 60))),
      together(cases.map((one) => ages(one, 1500, 2400))),
    ];
    expect(ratioOf(young)).toBeGreaterThan(0.15);
    expect(ratioOf(old)).toBeLessThan(ratioOf(young) / 5);
    const before = split(cases, isNew);
    expect(before.others).toBeLessThan(before.hit / 10);
  },
);

describe('more traffic than can be served', () => {
  const rateOf = (one: MonitoredCase, span: Span): number =>
    counted(one, focusOf(one), instancesOf(one), span).requests / (span.until - span.from);

  test.each(['retry_storm', 'herd'] as const)('%s: both versions fail alike', (name) => {
    const { hit, others } = split(casesOf(name), isNew);
    expect(Math.min(hit, others)).toBeGreaterThan(0.3 * Math.max(hit, others));
  });

  test('retry_storm: it goes on after what began it has ended', () => {
    for (const one of casesOf('retry_storm', 4)) {
      const { onset } = one.stage;
      const usual = rateOf(one, { from: onset - 900, until: onset });
      expect(rateOf(one, { from: onset + 300, until: onset + 900 })).toBeGreaterThan(1.7 * usual);
      const dependency = one.world.faults.find(
        ({ service, shape }) => service !== focusOf(one).name && shape(onset + 10) === 1 && shape(onset - 10) === 0,
      );
      expect(dependency?.shape(onset + 121)).toBe(0);
    }
  });

  test('herd: it ends by itself', () => {
    for (const one of casesOf('herd', 4)) {
      const { onset } = one.stage;
      const usual = rateOf(one, { from: onset - 900, until: onset });
      expect(rateOf(one, { from: onset, until: onset + 150 })).toBeGreaterThan(1.3 * usual);
      expect(rateOf(one, { from: onset + 1800, until: onset + 2400 })).toBeLessThan(1.5 * usual);
    }
  });
});

describe('labels that mislead', () => {
  const labelsOf = (one: MonitoredCase, instance: Instance, code: string) =>
    seriesOf(one, focusOf(one))
      .filter(({ labels }) => labels['instance'] === instance.name && labels['code'] === code)
      .map(({ labels }) => labels['version']);
  const podsOf = (one: MonitoredCase, isIt: boolean): Instance[] =>
    focusOf(one).identity === 'hosts'
      ? []
      : instancesOf(one).filter((each) => isNew(each, one) === isIt && each.until - each.from > 1200 && !each.isCanary);

  test('errors_labelled_since: all fail alike, and only failed requests to the new version carry it', () => {
    const cases = casesOf('errors_labelled_since');
    const { hit, others } = split(cases, isNew);
    expect(Math.min(hit, others)).toBeGreaterThan(0.3 * Math.max(hit, others));
    const errors = (is: boolean) => cases.flatMap((one) => podsOf(one, is).flatMap((pod) => labelsOf(one, pod, '500')));
    expect(new Set(errors(false))).toEqual(new Set([undefined]));
    expect(errors(true).length).toBeGreaterThan(0);
    expect(errors(true)).not.toContain(undefined);
  });

  test('errors_unlabelled_deploy: only the new version fails, and no failed request carries a version', () => {
    const cases = casesOf('errors_unlabelled_deploy');
    const { hit, others } = split(cases, isNew);
    expect(others).toBeLessThan(hit / 5);
    for (const one of cases)
      for (const { labels } of seriesOf(one, focusOf(one)))
        expect(labels['version'] === undefined).toBe(labels['code'] === '500');
  });

  test('labels_late_deploy: only the new version fails, and its instances carry the version before at first', () => {
    const cases = casesOf('labels_late_deploy');
    const { hit, others } = split(cases, isNew);
    expect(others).toBeLessThan(hit / 5);
    const labels = cases.flatMap((one) => podsOf(one, true).map((pod) => labelsOf(one, pod, '200').length));
    expect(labels.length).toBeGreaterThan(0);
    expect(new Set(labels)).toEqual(new Set([2]));
  });

  test('labels_lost_deploy: only the new version fails, and its instances carry no version', () => {
    const cases = casesOf('labels_lost_deploy');
    const { hit, others } = split(cases, isNew);
    expect(others).toBeLessThan(hit / 5);
    const labels = (is: boolean) => cases.flatMap((one) => podsOf(one, is).flatMap((pod) => labelsOf(one, pod, '200')));
    expect(new Set(labels(true))).toEqual(new Set([undefined]));
    expect(labels(false)).not.toContain(undefined);
  });
});

test('flag_after_deploy: only the new version fails, and only since the flag, which is recorded', () => {
  const cases = casesOf('flag_after_deploy');
  const { hit, others } = split(cases, isNew);
  expect(hit).toBeGreaterThan(0.05);
  expect(others).toBeLessThan(hit / 5);
  const before = split(cases, isNew, ({ stage }) => ({ from: stage.onset - 600, until: stage.onset - 30 }));
  expect(before.hit).toBeLessThan(hit / 5);
  for (const { stage, label } of cases) {
    const flag = stage.recorded.find(({ id }) => id === label.cause);
    expect(flag?.kind).toBe('flag');
    expect(Math.abs((flag?.start ?? 0) - stage.onset)).toBeLessThanOrEqual(20);
  }
});

describe('records that mislead', () => {
  test('late_end_innocent: the old version is gone before the problem, and the recorded end comes later', () => {
    for (const one of casesOf('late_end_innocent')) {
      const { stage, at } = one;
      const live = instancesOf(one).filter(({ from, until }) => from <= stage.onset && stage.onset < until);
      expect(live.every((each) => isNew(each, one))).toBe(true);
      const rollout = stage.rollouts.findLast(({ service }) => service === stage.focus.name);
      const record = stage.recorded.find(({ id }) => id === rollout?.id);
      expect(record?.finish ?? 0).toBeGreaterThanOrEqual((rollout?.finish ?? Infinity) + 120);
      expect(counted(one, stage.focus, live, { from: stage.onset, until: at }).failed).toBeGreaterThan(0);
    }
  });

  test('late_records_deploy: the record comes late, by a wrong clock', () => {
    for (const { stage, label, at } of casesOf('late_records_deploy')) {
      const cause = stage.recorded.find(({ id }) => id === label.cause);
      if (cause === undefined) throw new Error('the cause is not recorded');
      expect(Math.abs(stage.delivery.skew)).toBeGreaterThanOrEqual(30);
      const known = (when: number) => recordAt(cause, stage.delivery, when, () => timestamp(0)) !== undefined;
      expect([known(cause.start + 25), known(at)]).toEqual([false, true]);
    }
  });
});

describe('earlier problems', () => {
  const recentOf = async (one: MonitoredCase) => {
    const { deps } = portsAt(one, one.at);
    return (await deps.incidents.recent({ since: timestamp(0), limit: 20, service: focusOf(one).name })).items;
  };

  test.each(['explained_recurs', 'explained_deploy'] as const)(
    '%s: it failed before, and that was explained',
    async (name) => {
      for (const one of casesOf(name, 4)) {
        const { earlier, focus, onset } = one.stage;
        if (earlier === null) throw new Error('there is no earlier incident');
        const all = instancesOf(one);
        const during = counted(one, focus, all, { from: earlier.opened - 60, until: earlier.mitigated - 30 });
        const between = counted(one, focus, all, { from: earlier.mitigated + 60, until: onset - 60 });
        expect(ratioOf(during)).toBeGreaterThan(3 * ratioOf(between));
        expect(await recentOf(one)).toMatchObject([{ status: 'resolved', verification: 'passed' }]);
      }
    },
  );

  test('explained_recurs: both versions fail alike', () => {
    const halfDone = casesOf('explained_recurs', 12).filter(({ facts }) => facts.areVersionsVisible);
    const { hit, others } = split(halfDone, isNew);
    expect(Math.min(hit, others)).toBeGreaterThan(0.3 * Math.max(hit, others));
  });

  test('second_deploy_in_verification: two bad versions in one incident, 15 minutes after the first rollback at most', async () => {
    for (const one of casesOf('second_deploy_in_verification', 4)) {
      const { recovered, onset } = one.stage;
      if (recovered === null) throw new Error('there is no earlier problem');
      expect(onset - recovered.at).toBeLessThan(15 * 60);
      const { deps, incident } = portsAt(one, one.at);
      expect(await deps.incidents.read(incident)).toMatchObject({ new_onset: { judged: 1 }, mitigations: 1 });
      const own = await deps.changes.recent({ service: focusOf(one).name, environment: 'production' } as never, 50);
      expect(own.filter((each) => each.rolled_back_by === incident)).toHaveLength(1);
    }
    const { hit, others } = split(casesOf('second_deploy_in_verification'), isNew);
    expect(others).toBeLessThan(hit / 5);
  });
});
