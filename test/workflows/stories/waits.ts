import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { NOON } from '../../core/arbitraries.ts';
import { answersWhatWaits, configured, deploys, ends, fires, type Moment, samplesOf, says } from '../play.ts';
import { unrecorded } from './late-changes.ts';
import { dies, type Path } from './rollbacks.ts';

/** Stories of errors that fall when the alert arrives: Firebreak waits a minute and looks again before it asks. */

/** Seconds of errors before the first alert. */
const ERRORS_SECONDS = 100;

/** Errors fall by two thirds in each `seconds`, since v2 was deployed. @param until seconds since the first error after which they stay */
const falls =
  (seconds: number, until = Infinity, more: object = {}): Moment =>
  async (world) => {
    const since = plusSeconds(NOON, -ERRORS_SECONDS);
    await unrecorded('v2')(world);
    await deploys('v2', 3, { finished_at: plusSeconds(since, -5) })(world);
    configured({
      autoRollback: { mode: 'act', unknownMigration: 'act' },
      health: { promql: 'errors of checkout[1m]', max: 0.01 },
      ...more,
    })(world);
    const errors = (at: Timestamp): number =>
      at < since ? 0.001 : 0.5 * Math.exp(-Math.min(until, secondsBetween(since, at)) / seconds);
    world.deps.metrics.range = async (_promql, from, end) => samplesOf(from, end, errors, 15);
  };

const PAGE = 'pager trigger page.1 critical';
const QUESTION = 'pager trigger page.2 critical';
const RESOLVE_QUESTION = 'pager resolve page.2 critical';
const RESOLVE = 'pager resolve page.1 critical';

export const waitPaths: Record<string, Path> = {
  'errors-have-ended-after-waits': {
    given: [falls(150)],
    timeline: { '0 s': fires({ began: 20 }), '15 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'errors-end-while-a-decision-waits': {
    given: [falls(50)],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'errors-stay-after-a-wait': {
    given: [falls(90, 105)],
    timeline: { '0 s': fires({ began: 20 }), '4 min': answersWhatWaits('approved'), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'waits-are-bounded': {
    given: [falls(150, 400)],
    timeline: { '0 s': fires({ began: 20 }), '545 s': answersWhatWaits('approved'), '15 min': ends() },
    calls: [PAGE, QUESTION, 'cd roll-back.6 v2 to v1', RESOLVE, RESOLVE_QUESTION],
    status: 'resolved',
  },
  'rollback-is-requested-during-a-wait': {
    given: [falls(150)],
    timeline: {
      '0 s': fires({ began: 20 }),
      '20 s': says({ kind: 'rollback', by: 'person:ada', note: '' }),
      '9 min': ends(),
    },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'next-run-continues-a-wait': {
    given: [falls(90, 105)],
    timeline: { '0 s': fires({ began: 20 }), '20 s': dies, '4 min': answersWhatWaits('approved'), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'alerts-end-during-a-wait': {
    given: [falls(50)],
    timeline: { '0 s': fires({ began: 20 }), '30 s': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'shadow-mode-waits-as-well': {
    given: [falls(150, Infinity, { autoRollback: { mode: 'shadow', unknownMigration: 'act' } })],
    timeline: { '0 s': fires({ began: 20 }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
};
