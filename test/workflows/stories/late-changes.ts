import { notifyIncidents } from '../../../core/actions/changes/notify-incidents.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import { plusSeconds, secondsBetween } from '../../../schemas/time/time.ts';
import { wake } from '../../../workflows/wake.ts';
import { NOON } from '../../core/arbitraries.ts';
import {
  all,
  answers,
  answersWhatWaits,
  configured,
  deploys,
  ends,
  fires,
  mode,
  type Moment,
  samplesOf,
  says,
  theIncident,
} from '../play.ts';
import type { Path } from './rollbacks.ts';

/** Stories of changes that are recorded, or that end, after the alert. */

/** Records a past change, as `POST /v1/deployments` does. */
export const recordsLate =
  (version: string, startedMinutesAgo: number, more: object = {}): Moment =>
  async ({ deps, clock }) => {
    const started_at = plusSeconds(clock.now(), -60 * startedMinutesAgo);
    const finished_at = plusSeconds(started_at, 180);
    const serviceEnvironment = { service: 'checkout', environment: 'production' };
    const told = NewChange.parse({ ...serviceEnvironment, version, started_at, finished_at, ...more });
    await notifyIncidents(deps, (await deps.changes.record(told)).change);
  };

/** Removes the record of a version. */
export const unrecorded =
  (version: string): Moment =>
  ({ store }) =>
    store.forgetChanges((change) => change.version === version);

/** A moment right before the first judgement is stored, after it has read the changes. */
const whileItIsJudged =
  (moment: Moment): Moment =>
  (world) => {
    let left = 1;
    world.on('decisions.keep', {
      before: async () => {
        left -= 1;
        if (left === 0) await moment(world);
      },
    });
  };

const serviceEnvironment = { service: 'checkout', environment: 'production' };

/** Records a deploy at its start. */
export const begins =
  (version: string, startedMinutesAgo = 0): Moment =>
  async ({ deps, clock }) => {
    const started_at = plusSeconds(clock.now(), -60 * startedMinutesAgo);
    const told = NewChange.parse({ ...serviceEnvironment, version, status: 'started', started_at });
    await notifyIncidents(deps, (await deps.changes.record(told)).change);
  };

/** Reports the end of a deploy, as `PATCH /v1/deployments/{id}` does. Nothing happens if it does not roll out. */
export const finishes =
  (version: string, status: 'succeeded' | 'failed' | 'cancelled' = 'succeeded', secondsAgo = 0): Moment =>
  async ({ deps, store, clock }) => {
    const rolling = store.changes.find((one) => one.version === version && one.status === 'started');
    if (rolling === undefined) return;
    const change = await deps.changes.patch(rolling.id, {
      status,
      ...(secondsAgo > 0 && { finished_at: plusSeconds(clock.now(), -secondsAgo) }),
    });
    if (change !== undefined && change !== 'ended') await notifyIncidents(deps, change);
  };

/** Measures errors from some minutes before the first alert on; negative: after it. */
export const measures =
  (badMinutesBefore: number, more: object = {}): Moment =>
  (world) => {
    configured({ health: { promql: 'job:checkout:error_ratio5m', max: 0.01 }, ...more })(world);
    const since = plusSeconds(NOON, -60 * badMinutesBefore);
    world.deps.metrics.range = async (_promql, from, until) =>
      samplesOf(from, until, (at) => (at < since ? 0.001 : 0.2));
  };

/** Measures errors since four minutes before the alert that are worse from a later minute on. */
export const getsWorse =
  (afterMinutes: number, more: object = {}): Moment =>
  (world) => {
    measures(4, more)(world);
    const worse = plusSeconds(NOON, 60 * afterMinutes);
    const since = plusSeconds(NOON, -240);
    world.deps.metrics.range = async (_promql, from, until) =>
      samplesOf(from, until, (at) => (at < since ? 0.001 : at < worse ? 0.03 : 0.4));
  };

/** Measures usage that rises in a straight line since the deploy of v2, hours before the alert. */
const leaks =
  (hours: number, more: object = {}): Moment =>
  async (world) => {
    configured({ health: { promql: 'job:checkout:memory_usage', max: 0.9 }, ...more })(world);
    await deploys('v2', hours * 60)(world);
    for (const { id } of world.store.changes)
      await world.deps.changes.revise(id, (change) => ({ ...change, recorded_at: change.started_at }));
    const since = plusSeconds(NOON, -hours * 3600);
    world.deps.metrics.range = async (_promql, from, until, _combine, { stepSeconds = 30 } = {}) =>
      samplesOf(
        from,
        until,
        (at) => (at < since ? 0.3 : 0.3 + (0.62 * secondsBetween(since, at)) / (hours * 3600)),
        stepSeconds,
      );
  };

/** A person approves the first act that the waiting question offers. */
const approvesFirstOffer: Moment = async (world) => {
  const id = theIncident(world);
  const view = await world.deps.incidents.view(id);
  const [offer] = view?.decisions.find(({ state }) => state === 'waiting')?.offers ?? [];
  if (offer === undefined) throw new Error('no question offers a choice');
  await world.deps.decisions.answer(id, offer.digest, 'approved', 'person:ada', '');
  await wake(world.deps, id);
};

const asks = { autoRollback: { mode: 'approve', unknownMigration: 'act' } };
const PAGE = 'pager trigger page.1 critical';
const RESOLVE = 'pager resolve page.1 critical';
const PAGE_AGAIN = 'pager trigger page.2 critical';
const RESOLVE_AGAIN = 'pager resolve page.2 critical';
const ROLL_BACK = 'cd roll-back.1 v2 to v1';
const ROLL_BACK_THEN = 'cd roll-back.2 v2 to v1';

export const latePaths: Record<string, Path> = {
  'late-deploy-is-rolled-back': {
    given: [unrecorded('v2')],
    timeline: { '0 s': fires({ began: 0 }), '90 s': recordsLate('v2', 9), '9 min': ends() },
    calls: [PAGE, ROLL_BACK_THEN, RESOLVE],
    status: 'resolved',
  },
  'late-deploy-is-reported': {
    // Nothing but its record says that it was before the problem.
    given: [unrecorded('v2')],
    timeline: { '0 s': fires(), '4 min': recordsLate('v2', 12), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'late-deploy-is-recorded-twice': {
    given: [unrecorded('v2'), mode('suggest')],
    timeline: {
      '0 s': fires(),
      '4 min': recordsLate('v2', 12),
      '5 min': recordsLate('v2', 13),
      '9 min': ends(),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'deploy-is-recorded-during-the-decision': {
    given: [unrecorded('v2'), whileItIsJudged(recordsLate('v2', 8))],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ROLL_BACK_THEN, RESOLVE],
    status: 'resolved',
  },
  'late-deploy-replaces-the-approval-request': {
    given: [mode('approve')],
    timeline: {
      '0 s': fires({ began: 0 }),
      '90 s': recordsLate('v3', 6),
      '4 min': answersWhatWaits('approved'),
      '9 min': ends(),
    },
    calls: [PAGE, PAGE_AGAIN, 'cd roll-back.2 v3 to v1', RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'late-deploy-keeps-the-approval-request': {
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      '2 min': recordsLate('cache-size', 60, { kind: 'config' }),
      '4 min': answers('approved'),
      '9 min': ends(),
    },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'late-deploy-during-a-rollback': {
    given: [
      (world) => {
        world.rollbacks = [{ kind: 'in_progress', id: 'rb-1', handle: '/rb-1' }];
        world.looks = [
          { kind: 'in_progress', id: 'rb-1', handle: '/rb-1' },
          { kind: 'succeeded', id: 'rb-1' },
        ];
      },
    ],
    timeline: { '0 s': fires(), '12 s': recordsLate('flag-x', 4, { kind: 'flag' }), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, 'cd look /rb-1', 'cd look /rb-1', RESOLVE],
    status: 'resolved',
  },
  'late-deploy-contradicts-a-rollback': {
    // It began closer to the problem than the version that was rolled back.
    given: [measures(4, { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } })],
    timeline: { '0 s': fires(), '3 min': recordsLate('v3', 8), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'slow-leak-names-the-deploy-with-which-it-began': {
    given: [
      unrecorded('v1'),
      unrecorded('v2'),
      deploys('v1', 1200),
      leaks(9, { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } }),
    ],
    timeline: { '0 s': fires(), '4 min': answersWhatWaits('approved'), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'question-is-closed-by-a-rollback-of-another-system': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': recordsLate('v1', 1, { kind: 'rollback', author: 'bo' }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'late-flag-change': {
    given: [unrecorded('v2')],
    timeline: { '0 s': fires(), '4 min': recordsLate('dark-mode', 7, { kind: 'flag' }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'rollout-is-cancelled': {
    given: [unrecorded('v2'), mode('approve'), begins('v2', 3)],
    timeline: { '0 s': fires(), '2 min': finishes('v2', 'cancelled'), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'rollout-that-finished-keeps-the-approval-request': {
    given: [unrecorded('v2'), mode('approve'), begins('v2', 3)],
    timeline: { '0 s': fires(), '2 min': finishes('v2'), '4 min': answers('approved'), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'rollout-is-suspected-once-it-is-measured': {
    given: [
      unrecorded('v2'),
      begins('v2', 3),
      measures(-4, { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } }),
    ],
    timeline: { '0 s': fires(), '6 min': finishes('v2'), '25 min': ends() },
    calls: [PAGE, ROLL_BACK_THEN, RESOLVE],
    status: 'resolved',
  },
  'newer-deploy-does-not-help': {
    given: [measures(4, asks)],
    timeline: {
      '0 s': fires(),
      '3 min': begins('v3'),
      '5 min': finishes('v3'),
      '40 min': approvesFirstOffer,
      '50 min': ends(),
    },
    calls: [PAGE, PAGE_AGAIN, 'cd roll-back.3 v3 to v1', RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'deploy-during-the-incident-makes-it-worse': {
    given: [
      unrecorded('v2'),
      getsWorse(24, { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } }),
    ],
    timeline: {
      '0 s': fires(),
      '20 min': begins('v3'),
      '22 min': finishes('v3'),
      '40 min': answersWhatWaits('approved'),
      '50 min': ends(),
    },
    calls: [PAGE, PAGE_AGAIN, 'cd roll-back.2 v3 to v1', RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'looks-are-continued-by-the-next-run': {
    given: [
      unrecorded('v2'),
      getsWorse(24, { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } }),
    ],
    timeline: {
      '0 s': fires(),
      '20 min': begins('v3'),
      '22 min': finishes('v3'),
      // The run hands over because of a message that it cannot read.
      '23 min': says({ kind: 'of-the-future' } as unknown as Message),
      '40 min': answersWhatWaits('approved'),
      '50 min': ends(),
    },
    calls: [PAGE, PAGE_AGAIN, 'cd roll-back.2 v3 to v1', RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'newer-deploy-helps': {
    given: [measures(4, asks)],
    timeline: { '0 s': fires(), '3 min': begins('v3'), '5 min': finishes('v3'), '8 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'irrelevant-late-deploys': {
    given: [mode('suggest')],
    timeline: {
      '0 s': fires(),
      // After the onset, long before it, and of a service that is not a dependency.
      '4 min': all(recordsLate('v3', 2), recordsLate('v0', 400), recordsLate('v9', 10, { service: 'search' })),
      '9 min': ends(),
      '3 h': recordsLate('v4', 190),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
};
