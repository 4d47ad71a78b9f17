import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { NOON } from '../../core/arbitraries.ts';
import { all, answers, configured, ends, fires, type Moment, samplesOf, theIncident } from '../play.ts';
import { wake } from '../../../workflows/wake.ts';
import { begins, finishes, getsWorse, recordsLate, unrecorded } from './late-changes.ts';
import type { Path } from './rollbacks.ts';

/** Stories of a failure that begins after the recovery from a mitigated one, in the same incident. */

/** Measures errors in these minutes after the alert; negative: before it. */
const failsIn =
  (...minutes: readonly (readonly [from: number, until: number])[]): Moment =>
  (world) => {
    configured({ health: { promql: 'job:checkout:error_ratio', max: 0.01 } })(world);
    const times = minutes.map((each) => each.map((minute) => plusSeconds(NOON, 60 * minute)));
    const value = (at: Timestamp): number =>
      times.some(([from, until]) => from !== undefined && until !== undefined && at >= from && at < until)
        ? 0.4
        : 0.001;
    world.deps.metrics.value = async () => ({ kind: 'value', value: value(world.clock.now()) });
    world.deps.metrics.range = async (_promql, from, until, _combine, { stepSeconds = 30 } = {}) =>
      samplesOf(from, until, value, stepSeconds);
  };

const hasWindow = (window: string): Moment =>
  configured({ health: { promql: `job:checkout:error_ratio_rate${window}`, max: 0.01 } });

/** The run fails, and the next one takes over. */
const dies: Moment = async (world) => {
  const id = theIncident(world);
  world.kill(id, 1);
  await world.deps.incidents.handOver(id, 2, 'Run 1 of the workflow has died; run 2 takes over');
  await wake(world.deps, id);
};

/** The run fails when it has read the message about the new problem, and before its judgement is stored. */
const diesBeforeTheSecondDecision: Moment = (world) => {
  let left = 2;
  world.on('decisions.keep', {
    before: async () => {
      left -= 1;
      if (left !== 0) return;
      await dies(world);
      throw new Error('the run has died');
    },
  });
};

const PAGE = 'pager trigger page.1 critical';
const PAGE_AGAIN = 'pager trigger page.2 critical';
const ROLL_BACK = 'cd roll-back.1 v2 to v1';
const ROLL_BACK_AGAIN = 'cd roll-back.2 v3 to v1';
const RESOLVE = ['pager resolve page.1 critical', 'pager resolve page.2 critical'];
const soon = { began: 20 };

/** v2 is rolled back, the alert ends, v3 is deployed 90 seconds later and fails, and the alert fires again. */
const secondFailure: Record<string, Moment> = {
  '0 s': fires(),
  '180 s': ends(),
  '270 s': begins('v3'),
  '320 s': finishes('v3'),
  '370 s': fires(soon),
};
const askedAndRolledBack = { '8 min': answers('approved'), '10 min': ends(soon) };
const badTwice = failsIn([-4, 2], [5.5, 9]);
const bothRolledBack = [PAGE, ROLL_BACK, PAGE_AGAIN, ROLL_BACK_AGAIN, ...RESOLVE];

export const secondFailurePaths: Record<string, Path> = {
  'second-failure-is-judged-at-once': {
    given: [badTwice],
    timeline: { ...secondFailure, ...askedAndRolledBack },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'second-failure-is-measured-without-an-alert': {
    given: [failsIn([-4, 2], [5.5, 12])],
    timeline: {
      '0 s': fires(),
      '180 s': ends(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '11 min': answers('approved'),
    },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'second-failure-is-measured-while-the-first-alert-still-fires': {
    given: [failsIn([-4, 2], [6.5, 13])],
    timeline: {
      '0 s': fires(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '12 min': answers('approved'),
      '14 min': ends(),
    },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'second-failure-is-measured-after-the-verification-while-the-first-alert-still-fires': {
    given: [failsIn([-4, 2], [41, 52])],
    timeline: {
      '0 s': fires(),
      '40 min': begins('v3'),
      '2420 s': finishes('v3'),
      '50 min': answers('approved'),
      '53 min': ends(),
    },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'second-failure-is-measured-after-a-deploy-that-left-no-time-to-recover': {
    given: [failsIn([-4, 1.2], [2.7, 9])],
    timeline: {
      '0 s': fires(),
      '120 s': begins('v3'),
      '150 s': finishes('v3'),
      '8 min': answers('approved'),
      '10 min': ends(),
    },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'second-failure-has-no-change-and-ends-by-itself': {
    given: [badTwice],
    timeline: { '0 s': fires(), '180 s': ends(), '370 s': fires(soon), '10 min': ends(soon) },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, ...RESOLVE],
    status: 'resolved',
  },
  'second-failure-outlasts-the-verification-of-the-first': {
    given: [failsIn([-4, 2], [5.5, 24])],
    timeline: { ...secondFailure, '22 min': answers('approved'), '25 min': ends(soon) },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'second-failure-begins-after-a-deploy-while-the-first-alert-still-fires': {
    timeline: {
      '0 s': fires(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '395 s': answers('approved'),
      '10 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'alerts-flap-before-the-recovery': {
    given: [failsIn([-4, 9])],
    // Another alert ends and fires again, while the first one keeps firing: the failure is still the first one.
    timeline: {
      '0 s': fires(),
      '20 s': fires({ name: 'HighLatency' }),
      '180 s': ends({ name: 'HighLatency' }),
      '240 s': fires({ ...soon, name: 'HighLatency' }),
      '10 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, ...RESOLVE],
    status: 'resolved',
  },
};

/** The first failure goes on after the rollback, whatever is deployed then: these are no golden histories either. */
export const ongoingPaths: Record<string, Path> = {
  'first-failure-goes-on-after-a-rollback-that-did-not-help': {
    given: [failsIn([-4, 30])],
    timeline: {
      '0 s': fires(),
      '20 min': begins('v3'),
      '21 min': finishes('v3'),
      '23 min': fires({ ...soon, name: 'HighLatency' }),
      '31 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, 'pager trigger page.3 critical', ...RESOLVE, 'pager resolve page.3 critical'],
    status: 'resolved',
  },
  'first-failure-goes-on-while-the-rollback-is-verified': {
    given: [failsIn([-4, 15]), hasWindow('1m')],
    timeline: {
      '0 s': fires(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '16 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, ...RESOLVE],
    status: 'resolved',
  },
};

const ROLL_BACK_LATER = 'cd roll-back.2 v3 to v1';

/** Nothing explains the first failure, and nothing mitigates it, until v3 is deployed and fails as well. */
export const unexplainedPaths: Record<string, Path> = {
  'second-failure-begins-after-a-deploy-and-the-first-goes-on': {
    given: [unrecorded('v2')],
    timeline: {
      '0 s': fires(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '395 s': answers('approved'),
      '10 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, PAGE_AGAIN, ROLL_BACK_LATER, ...RESOLVE],
    status: 'resolved',
  },
  'second-failure-begins-before-its-deploy-is-recorded-and-the-first-goes-on': {
    given: [unrecorded('v2')],
    timeline: {
      '0 s': fires(),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '380 s': recordsLate('v3', 1.5),
      '395 s': answers('approved'),
      '10 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, PAGE_AGAIN, ROLL_BACK_LATER, ...RESOLVE],
    status: 'resolved',
  },
  'second-failure-begins-after-the-end-of-a-deploy-from-before-the-opening': {
    given: [unrecorded('v2'), begins('v3', 2)],
    timeline: {
      '0 s': fires({ began: 300 }),
      '320 s': finishes('v3'),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '395 s': answers('approved'),
      '10 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, PAGE_AGAIN, ROLL_BACK_LATER, ...RESOLVE],
    status: 'resolved',
  },
  'second-failure-begins-before-the-end-of-its-deploy-is-reported': {
    given: [unrecorded('v2'), begins('v3', 2)],
    timeline: {
      '0 s': fires({ began: 300 }),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '380 s': finishes('v3', 'succeeded', 60),
      '395 s': answers('approved'),
      '10 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, PAGE_AGAIN, ROLL_BACK_LATER, ...RESOLVE],
    status: 'resolved',
  },
  'second-failure-is-measured-as-a-rise-of-the-first': {
    given: [unrecorded('v2'), getsWorse(14)],
    timeline: {
      '0 s': fires(),
      '12 min': begins('v3'),
      '13 min': finishes('v3'),
      '16 min': fires({ ...soon, name: 'HighLatency' }),
      '17 min': answers('approved'),
      '40 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, PAGE_AGAIN, ROLL_BACK_LATER, ...RESOLVE],
    status: 'resolved',
  },
  'second-failure-is-measured-as-a-rise-since-the-end-of-a-deploy-from-before-the-opening': {
    given: [unrecorded('v2'), begins('v3', 1), getsWorse(14)],
    timeline: {
      '0 s': fires({ began: 200 }),
      '13 min': finishes('v3'),
      '16 min': fires({ ...soon, name: 'HighLatency' }),
      '17 min': answers('approved'),
      '40 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: [PAGE, PAGE_AGAIN, ROLL_BACK_LATER, ...RESOLVE],
    status: 'resolved',
  },
  'second-failure-is-the-first-that-requests-a-rollback': {
    given: [unrecorded('v2')],
    timeline: {
      '0 s': fires({ name: 'DiskFull', labels: { action: 'none' } }),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires(soon),
      '10 min': all(ends({ name: 'DiskFull' }), ends()),
    },
    calls: [PAGE, ROLL_BACK_LATER, 'pager resolve page.1 critical'],
    status: 'resolved',
  },
};

/** The same with errors that are measured, in an order that only chance decides, or while the run fails: no golden histories. */
export const interruptedPaths: Record<string, Path> = {
  'second-failure-is-measured-from-a-deploy-while-the-first-alert-still-fires': {
    given: [failsIn([-4, 2], [5, 9]), hasWindow('1m')],
    timeline: {
      '0 s': fires(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '495 s': answers('approved'),
      '10 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    // Two decisions wait, because errors have just begun.
    calls: [
      PAGE,
      ROLL_BACK,
      PAGE_AGAIN,
      'pager trigger page.3 critical',
      'cd roll-back.4 v3 to v1',
      ...RESOLVE,
      'pager resolve page.3 critical',
    ],
    status: 'resolved',
  },
  'second-failure-begins-before-its-deploy-is-recorded': {
    timeline: {
      '0 s': fires(),
      '370 s': fires({ ...soon, name: 'HighLatency' }),
      '380 s': recordsLate('v3', 1.5),
      '395 s': answers('approved'),
      '9 min': all(ends(), ends({ name: 'HighLatency' })),
    },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'next-run-reads-about-the-second-failure': {
    given: [badTwice],
    timeline: { ...secondFailure, '370 s': all(fires(soon), dies), ...askedAndRolledBack },
    calls: bothRolledBack,
    status: 'resolved',
  },
  'next-run-judges-the-second-failure': {
    given: [badTwice, diesBeforeTheSecondDecision],
    timeline: { ...secondFailure, ...askedAndRolledBack },
    calls: bothRolledBack,
    status: 'resolved',
  },
};
