import type { ChangeKind } from '../../../schemas/changes/change.ts';
import { type Timestamp, plusSeconds, secondsBetween } from '../../../schemas/time/time.ts';
import { NOON } from '../../core/arbitraries.ts';
import { answersWhatWaits, configured, deploys, ends, fires, type Moment, samplesOf } from '../play.ts';
import { recordsLate, unrecorded } from './late-changes.ts';
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

/** The same, beside another change of checkout some minutes before the alert. */
const besideAChange =
  (kind: ChangeKind, version: string, minutesAgo: number): Moment =>
  async (world) => {
    await failsBeside()(world);
    await recordsLate(version, minutesAgo, { kind })(world);
  };

/** The same, if the errors of v2 are those of this many of its three pods. */
const failsInPods =
  (count: number): Moment =>
  async (world) => {
    await failsBeside(() => 0.001, {
      health: {
        promql: 'errors of checkout[2m]',
        max: 0.01,
        byVersion: 'sum by (version) (failed_share[2m])',
        trafficByVersion: 'requests by (version)[2m]',
      },
    })(world);
    const byVersion = world.deps.metrics.rangeByLabel;
    const since = plusSeconds(NOON, -FAST_SECONDS);
    world.deps.metrics.rangeByLabel = async (promql, label, from, until, ...more) =>
      typeof label === 'string'
        ? byVersion(promql, label, from, until, ...more)
        : ['a', 'b', 'c'].map((pod, index) => ({
            label: `v2\ncheckout-${pod}\n10.0.0.${index}:80`,
            curve: samplesOf(
              plusSeconds(NOON, -75),
              until,
              (at) => (promql.startsWith('requests') ? 7 : at >= since && index < count ? 0.9 : 0.001),
              15,
            ),
          }));
  };

/** v2 fails with cold caches, whose errors fall. @param until seconds since the first error after which they stay */
const warmsUp =
  (until: number): Moment =>
  async (world) => {
    await failsBeside()(world);
    const { range, rangeByLabel } = world.deps.metrics;
    const since = plusSeconds(NOON, -FAST_SECONDS);
    const errors = (at: Timestamp): number =>
      at < since ? 0.001 : 0.6 * Math.exp(-Math.min(until, secondsBetween(since, at)) / 90);
    world.deps.metrics.range = async (promql, from, end, ...more) =>
      ((await range(promql, from, end, ...more)) ?? []).map(([at]) => [at, errors(at) / 2] as const);
    world.deps.metrics.rangeByLabel = async (promql, ...more) =>
      ((await rangeByLabel(promql, ...more)) ?? []).map(({ label, curve }) => ({
        label,
        curve:
          label === 'v2' && !promql.startsWith('requests') ? curve.map(([at]) => [at, errors(at)] as const) : curve,
      }));
  };

/** v2 rolls out and takes no requests, and v1 alone fails for it. @param pods series of the pods, if they are measured */
const takesNoRequests =
  (pods: readonly string[] | null): Moment =>
  async (world) => {
    await failsBeside(() => 0.001, {
      health: {
        promql: 'errors of checkout[2m]',
        max: 0.01,
        traffic: 'requests of checkout',
        byVersion: 'errors by (version)[2m]',
        trafficByVersion: 'requests by (version)[2m]',
        ...(pods && { pods: 'namespace="shop"' }),
      },
    })(world);
    const since = plusSeconds(NOON, -FAST_SECONDS);
    world.deps.metrics.range = async (promql, from, until) =>
      samplesOf(from, until, (at) => (promql.startsWith('requests') ? 20 : at < since ? 0.001 : 0.4), 15);
    world.deps.metrics.rangeByLabel = async (promql, label, from, until) =>
      typeof label === 'string'
        ? [
            {
              label: 'v1',
              curve: samplesOf(
                from,
                until,
                (at) => (promql.startsWith('requests') ? 20 : at < since ? 0.001 : 0.4),
                15,
              ),
            },
          ]
        : promql.includes('kube_pod_status_ready')
          ? (pods ?? []).map((series) => ({ label: series, curve: [[until, 3] as const] }))
          : [];
  };

/** Requests to v2 are refused, which only its callers measure. @param stable errors of v1 that they see */
const refuses =
  (stable = 0.001): Moment =>
  async (world) => {
    await failsBeside(() => 0.001, {
      health: {
        promql: 'sum(rate(errors[2m])) / sum(rate(requests[2m]))',
        max: 0.01,
        callersByVersion:
          'sum by (destination_version) (rate(istio_requests_total{response_code=~"5..|0"}[2m])) / sum by (destination_version) (rate(istio_requests_total[2m]))',
      },
    })(world);
    const since = plusSeconds(NOON, -FAST_SECONDS);
    world.deps.metrics.range = async (_promql, from, until) => samplesOf(from, until, () => 0.001, 15);
    world.deps.metrics.rangeByLabel = async (promql, label, from, until) => {
      const curve = (start: Timestamp, value: (at: Timestamp) => number) => samplesOf(start, until, value, 15);
      const [first, isRatio] = [plusSeconds(NOON, -75), promql.includes('/')];
      return label === 'destination_version'
        ? [
            { label: 'v1', curve: curve(from, (at) => (isRatio ? (at < since ? 0.001 : stable) : 20)) },
            { label: 'v2', curve: curve(first, (at) => (isRatio ? (at < since ? 0.001 : 0.95) : 20)) },
          ]
        : [];
    };
  };

/** A series of a pod as the query returns it: its name, why it waits, whether it counts restarts, readiness, and the image. */
const pod = (name: string, { reason = '', restarts = '', condition = '', image = '' }): string =>
  [name, reason, restarts, condition, image, '', '', '', ''].join('\n');

const CRASHES = [
  pod('checkout-6c-1', { image: 'shop/checkout:v1' }),
  ...['checkout-7d-1', 'checkout-7d-2'].flatMap((name) => [
    pod(name, { image: 'shop/checkout:v2' }),
    pod(name, { reason: 'CrashLoopBackOff' }),
    pod(name, { restarts: 'yes' }),
  ]),
];

const PAGE = 'pager trigger page.1 critical';
const RESOLVE = 'pager resolve page.1 critical';

export const proofPaths: Record<string, Path> = {
  'proved-while-the-question-waits': {
    given: [failsBeside()],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'late-deploy-is-proved-by-its-version': {
    given: [failsBeside(), unrecorded('v2')],
    timeline: {
      '0 s': fires({ began: 20 }),
      '4 min': recordsLate('v2', 5.5, { status: 'started', finished_at: null }),
      '9 min': ends(),
    },
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
  'configuration-changes-with-the-rollout': {
    given: [besideAChange('config', 'c7', 6)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'one-pod-of-the-version-fails': {
    given: [failsInPods(1)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'two-pods-of-the-version-fail': {
    given: [failsInPods(2)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'callers-prove-a-version': {
    given: [refuses()],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'callers-see-both-versions-fail': {
    given: [refuses(0.6)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'version-without-requests': {
    given: [takesNoRequests(null)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'version-without-requests-crashes': {
    given: [takesNoRequests(CRASHES)],
    timeline: { '0 s': fires({ began: 20 }), '4 min': answersWhatWaits('approved'), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.1 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'version-warms-up': {
    given: [warmsUp(Infinity)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'errors-of-a-new-version-stop-falling': {
    given: [warmsUp(30)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
};
