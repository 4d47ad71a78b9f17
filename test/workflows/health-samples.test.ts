import { expect, test } from 'vitest';
import { readHealth } from '../../core/actions/incidents/health-read.ts';
import type { HealthSeries } from '../../core/domain/incidents/health-series.ts';
import { keepHealthSamples } from '../../core/jobs/sweep/health-samples.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { configured, ends, fires, type Moment, play, samplesOf, says, theIncident } from './play.ts';
import { begins, finishes } from './stories/late-changes.ts';

const MINUTE = 60;

/** 30 % of the requests fail until minute 2, and 50 % from minute 5.5 to 9. */
const valueAt = (at: Timestamp): number =>
  at >= NOON && at < plusSeconds(NOON, 2 * MINUTE)
    ? 0.3
    : at >= plusSeconds(NOON, 5.5 * MINUTE) && at < plusSeconds(NOON, 9 * MINUTE)
      ? 0.5
      : 0.001;

const measures: Moment = async (world) => {
  await configured({ health: { promql: 'job:checkout:error_ratio', max: 0.01 } })(world);
  world.deps.metrics.value = async () => ({ kind: 'value', value: valueAt(world.clock.now()) });
  world.deps.metrics.range = async (_promql, from, until, _combine, { stepSeconds = 30 } = {}) =>
    samplesOf(from, until, valueAt, stepSeconds);
};

/** Prometheus has lost all samples, and does not answer. */
const isAway: Moment = (world) => {
  world.deps.metrics.value = async () => null;
  world.deps.metrics.range = async () => null;
};

const sweeps: Moment = async ({ deps }) => keepHealthSamples(deps, await deps.incidents.open());

const twoProblems: Record<string, Moment> = {
  '0 s': fires(),
  '180 s': ends(),
  '240 s': sweeps,
  '270 s': begins('v3'),
  '320 s': finishes('v3'),
  '370 s': fires({ began: 20 }),
  '600 s': ends(),
  '620 s': says({ kind: 'resolve', by: 'person:ada', note: '' }),
};

async function storedOf(world: FakeWorld): Promise<HealthSeries> {
  const story = await world.deps.incidents.story(theIncident(world), null);
  const read = story && (await readHealth(world.deps, story));
  return read?.series ?? expect.unreachable();
}

const between = ({ curve }: HealthSeries, from: number, until: number): number[] =>
  curve
    .filter(([at]) => at >= plusSeconds(NOON, from * MINUTE) && at < plusSeconds(NOON, until * MINUTE))
    .map(([, value]) => value);

test('samples of all problems are kept from half an hour before the first until the end, also if Prometheus forgets them', async () => {
  const { world } = await play({ given: [measures], timeline: { ...twoProblems, '700 s': sweeps, '710 s': isAway } });
  const series = await storedOf(world);
  const times = series.curve.map(([at]) => at);
  expect(times.at(0)?.slice(11, 16)).toMatch(/^11:(?:29|[0-2]\d)|^09/);
  expect(times.at(-1)).toBe(world.store.dossier(theIncident(world)).record.resolved_at);
  expect(new Set(between(series, 0, 2))).toEqual(new Set([0.3]));
  expect(new Set(between(series, 2, 5.5))).toEqual(new Set([0.001]));
  expect(new Set(between(series, 5.5, 9))).toEqual(new Set([0.5]));
  const widths = times.slice(1).map((at, n) => Date.parse(at) - Date.parse(times[n] ?? at));
  expect(Math.max(...widths)).toBeLessThanOrEqual(60_000);
  expect(await world.deps.healthSamples.due()).toEqual([]);
});

test('samples that could not be read at the end are read later', async () => {
  const { world } = await play({
    given: [measures],
    timeline: { ...twoProblems, '610 s': isAway, '700 s': sweeps, '15 min': measures, '16 min': sweeps },
  });
  expect(new Set(between(await storedOf(world), 5.5, 9))).toEqual(new Set([0.5]));
  expect(await world.deps.healthSamples.due()).toEqual([]);
});

test('what judgements have read of each problem is known without kept samples, as in incidents of older versions', async () => {
  const { '240 s': _, ...unkept } = twoProblems;
  const { world } = await play({ given: [measures], timeline: { ...unkept, '710 s': isAway } });
  const series = await storedOf(world);
  expect(between(series, -1, 0.1)).toContain(0.3);
  expect(between(series, 5.5, 6.5)).toContain(0.5);
});

test('no samples are due after the end of an incident without a health query', async () => {
  const { world } = await play({ timeline: { '0 s': fires(), '180 s': ends() } });
  expect(world.store.dossier(theIncident(world)).record.status).toBe('resolved');
  expect(await world.deps.healthSamples.due()).toEqual([]);
});
