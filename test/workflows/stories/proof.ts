import { type Timestamp, plusSeconds } from '../../../schemas/time/time.ts';
import { NOON } from '../../domain/arbitraries.ts';
import { answersWhatWaits, configured, deploys, ends, fires, type Moment, samplesOf } from '../play.ts';
import { unrecorded } from './late-changes.ts';
import type { Path } from './rollbacks.ts';

/** Stories of fast alerts: metrics by version prove the suspect only while its question waits. */

/** Seconds of errors before the first alert. */
const FAST_SECONDS = 40;

/** v2 rolls out beside v1 and fails since 40 seconds before the alert. @param stable errors of v1 at a time */
export const failsBeside =
  (stable: (at: Timestamp) => number = () => 0.001, more: object = {}): Moment =>
  async (world) => {
    await unrecorded('v2')(world);
    await deploys('v2', 1.5, { status: 'started', finished_at: null })(world);
    configured({
      autoRollback: { mode: 'act', unknownMigration: 'act' },
      health: {
        promql: 'errors of checkout[2m]',
        max: 0.01,
        byVersion: 'errors by (version)[2m]',
        trafficByVersion: 'requests by (version)[2m]',
      },
      ...more,
    })(world);
    const since = plusSeconds(NOON, -FAST_SECONDS);
    const bad = (at: Timestamp): number => (at < since ? 0.001 : 0.4);
    world.deps.metrics.range = async (_promql, from, until) =>
      samplesOf(from, until, (at) => (bad(at) + stable(at)) / 2, 15);
    world.deps.metrics.rangeByLabel = async (promql, _label, from, until) => {
      const curve = (value: (at: Timestamp) => number) => samplesOf(from, until, value, 15);
      return promql.startsWith('requests')
        ? [
            { label: 'v1', curve: curve(() => 20) },
            { label: 'v2', curve: samplesOf(plusSeconds(NOON, -75), until, () => 20, 15) },
          ]
        : [
            { label: 'v1', curve: curve(stable) },
            { label: 'v2', curve: samplesOf(plusSeconds(NOON, -75), until, bad, 15) },
          ];
    };
  };

const PAGE = 'pager trigger page.1 critical';
const RESOLVE = 'pager resolve page.1 critical';

export const proofPaths: Record<string, Path> = {
  'proved-while-the-question-waits': {
    given: [failsBeside()],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'approved-before-it-is-proved': {
    given: [failsBeside()],
    timeline: { '0 s': fires({ began: 20 }), '8 s': answersWhatWaits('approved'), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.1 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'rejected-before-it-is-proved': {
    given: [failsBeside()],
    timeline: { '0 s': fires({ began: 20 }), '8 s': answersWhatWaits('rejected'), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'the-other-version-fails-while-the-question-waits': {
    given: [failsBeside((at) => (at < plusSeconds(NOON, 10) ? 0.001 : 0.4))],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
};
