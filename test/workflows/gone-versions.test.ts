import { expect, test } from 'vitest';
import { IMPROBABLE } from '../../core/domain/correlation/words.ts';
import type { IncidentView } from '../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { all, configured, deploys, ends, fires, type Moment, play, samplesOf, says } from './play.ts';
import { alarm, cartDependsOn } from './stories/groups.ts';
import { recordsLate, unrecorded } from './stories/late-changes.ts';

/** Errors in these minutes after noon. */
type Errors = readonly (readonly [from: number, until: number, ratio: number])[];

const ratioAt = (errors: Errors, time: Timestamp): number | undefined =>
  errors.find(([from, until]) => time >= plusSeconds(NOON, 60 * from) && time < plusSeconds(NOON, 60 * until))?.[2];

/** Measures errors of all, and of each version while it serves. */
const measuring =
  (errors: Errors, versions: Record<string, Errors> = {}): Moment =>
  async (world) => {
    const queries = { byVersion: 'errors_by_version', trafficByVersion: 'requests_by_version' };
    await configured({ health: { promql: 'job:checkout:error_ratio', max: 0.01, ...queries } })(world);
    const { metrics } = world.deps;
    metrics.range = async (_promql, from, until, _combine, { stepSeconds = 30 } = {}) =>
      samplesOf(from, until, (at) => ratioAt(errors, at) ?? 0.001, stepSeconds);
    metrics.rangeByLabel = async (promql, _label, from, until, _combine, { stepSeconds = 30 } = {}) =>
      Object.entries(versions).map(([label, ofVersion]) => ({
        label,
        curve: samplesOf(
          from,
          until,
          (at) => (promql.startsWith('requests') ? 50 : (ratioAt(ofVersion, at) ?? 0)),
          stepSeconds,
        ).filter(([at]) => ratioAt(ofVersion, at) !== undefined),
      }));
  };

/** The incident of a service whose newest problem is the one after noon. */
async function incidentOf({ store, deps }: FakeWorld, service: string): Promise<IncidentView> {
  const last = [...store.dossiers].findLast(([, { record }]) => record.service === service);
  const incident = last && (await deps.incidents.view(last[0]));
  return incident ?? expect.unreachable();
}

const probable = ({ suspects }: IncidentView): string[] =>
  suspects.filter(({ confidence }) => confidence >= IMPROBABLE).map(({ version }) => version);

const again = { began: 20 };
const cartAgain = { ...alarm('cart'), began: 20 };
const bothEnd = all(ends(), ends(alarm('cart')));

test.each([
  ['while its incident waits for the verdict', {}],
  ['in an incident that is opened again', { '4 min': says({ kind: 'resolve', by: 'person:ada', note: '' }) }],
])('a version that was rolled back causes no outage of callers eight minutes later, %s', async (_, more) => {
  const { world } = await play({
    given: [cartDependsOn()],
    timeline: {
      '0 s': all(fires(), fires(alarm('cart'))),
      '180 s': bothEnd,
      ...more,
      '600 s': fires(again),
      '610 s': fires(cartAgain),
      '20 min': bothEnd,
    },
  });
  for (const service of ['checkout', 'cart']) {
    const incident = await incidentOf(world, service);
    expect(probable(incident)).toEqual([]);
    expect(JSON.stringify(incident.decisions.at(-1)?.reasons)).not.toMatch(
      /Probable cause|no longer running|was rolled back, and still fails/,
    );
  }
});

test('nor does the version before it, which the rollback went past', async () => {
  const errors: Errors = [
    [-4, 2, 0.5],
    [10, 20, 0.4],
  ];
  const { world } = await play({
    given: [all(unrecorded('v2'), deploys('v2', 20), deploys('v3', 8)), measuring(errors)],
    timeline: { '0 s': fires(), '180 s': ends(), '620 s': fires(again), '20 min': ends(again) },
  });
  const incident = await incidentOf(world, 'checkout');
  expect(incident.decisions.map(({ kind }) => kind)).toEqual(['roll_back', 'none']);
  expect(incident.suspects.find(({ version }) => version === 'v2')?.reasons).toContain(
    'against it: v2 was rolled back before the problem began',
  );
  expect(incident.decisions.at(-1)?.reasons.map(({ text }) => text)).toEqual([
    'probably no known change caused this',
    'the most probable change has a probability of less than 1 %',
  ]);
});

test('a version that a person replaced is suspected of nothing that it did before', async () => {
  const errors: Errors = [
    [-4, 1, 0.5],
    [9, 20, 0.4],
  ];
  const versions: Record<string, Errors> = {
    v1: [
      [-200, -6, 0.001],
      [-0.5, 9, 0.001],
      [9, 20, 0.4],
    ],
    v2: [[-5, 0, 0.5]],
  };
  const { world } = await play({
    given: [measuring(errors, versions)],
    timeline: { '0 s': recordsLate('v1', 1), '10 min': fires(again), '20 min': ends(again) },
  });
  const incident = await incidentOf(world, 'checkout');
  expect(probable(incident)).toEqual([]);
  const reasons = incident.suspects.find(({ version }) => version === 'v2')?.reasons ?? [];
  expect(reasons).toContain('against it: v2 received no requests any more when the problem began');
  expect(reasons.join()).not.toContain('v2 is at');
});
