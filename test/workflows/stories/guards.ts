import { keys } from '../../../core/stores/keys.ts';
import { put } from '../../../platforms/store.ts';
import type { IncidentId, Version } from '../../../schemas/config/names.ts';
import { Config } from '../../../schemas/config/config.ts';
import { wake } from '../../../workflows/wake.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import {
  all,
  answersWhatWaits,
  answersWithoutRinging,
  configured,
  deploys,
  ends,
  fires,
  type Moment,
  says,
  theIncident,
  withHealth,
} from '../play.ts';
import type { Path } from './rollbacks.ts';

/** Stories of the guards that prevent wrong, repeated, or unapproved automatic actions. */

const vendors =
  (answer: Partial<Pick<FakeWorld, 'rollbacks' | 'health' | 'holds'>>): Moment =>
  (world) => {
    Object.assign(world, answer);
  };

const healthy = vendors({ health: { kind: 'value', value: 0.001 } });
const failing = vendors({ health: { kind: 'value', value: 0.4 } });
const HEALTH = { promql: 'job:checkout:error_ratio', max: 0.01 };

const asking = (more: object) =>
  configured({
    autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 15, ...more },
  });

const PAGE = 'pager trigger page.1 critical';
const PAGE_AGAIN = 'pager trigger page.2 critical';
const ROLL_BACK = 'cd roll-back.1 v2 to v1';
const RESOLVE = 'pager resolve page.1 critical';
const RESOLVE_AGAIN = 'pager resolve page.2 critical';
const PAGE_THIRD = 'pager trigger page.3 critical';
const RESOLVE_THIRD = 'pager resolve page.3 critical';
const LOOK = 'cd does it hold';

/** A moment after the first decision, right before the rollback. */
const betweenJudgementAndAct =
  (moment: Moment): Moment =>
  (world) => {
    let left = 1;
    world.on('decisions.keep', {
      after: async () => {
        left -= 1;
        if (left === 0) await moment(world);
      },
    });
  };

const approves = (by: string): Moment =>
  all(answersWithoutRinging('approved', by), (world) => wake(world.deps, theIncident(world)));

/** Checkout depends on payments, which was also deployed and requires approval for a rollback. */
const dependsOnPayments: Moment = async (world) => {
  const deployer = { kind: 'http', url: 'http://cd.test/rollback' };
  const placed = (mode: string, more: object = {}) => ({
    production: { deployer, autoRollback: { mode, evidence: 'time', unknownMigration: 'act' }, ...more },
  });
  world.config = Config.parse({
    version: 'test',
    services: {
      checkout: { dependsOn: ['payments'], environments: placed('act', { health: HEALTH }) },
      payments: { environments: placed('approve') },
    },
    paging: {},
  });
  await deploys('p1', 300, { service: 'payments' })(world);
  await deploys('p2', 6, { service: 'payments' })(world);
};
const ofPayments = { name: 'PaymentsFail', labels: { service: 'payments', action: '' } };
const PAGE_PAYMENTS = `${PAGE} for payments`;
const RESOLVE_PAYMENTS = `${RESOLVE} for payments`;

/** Services that are unrelated to checkout, and their alerts. */
const STRANGERS = ['cart', 'search', 'ledger'];
const ofStranger = (service: string) => ({ name: `${service} fails`, labels: { service, action: '' } });
const besideStrangers: Moment = (world) => {
  const services = Object.fromEntries(STRANGERS.map((name) => [name, null]));
  const known = Config.parse({ version: 'test', services, paging: {} });
  world.config = { ...world.config, services: { ...world.config.services, ...known.services } };
};

/** Ends all alerts of this incident. */
const over = (...alerts: Parameters<typeof ends>[0][]): Moment => all(...alerts.map((one) => ends(one)));

export const guardPaths: Record<string, Path> = {
  // Approvals, with and without an answer.
  'two-approvals': {
    given: [asking({ approvals: 2 })],
    timeline: {
      '0 s': fires(),
      '3 min': approves('person:ada'),
      '4 min': approves('person:ada'),
      '6 min': approves('person:bo'),
      '9 min': ends(),
    },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'one-of-two-approvals': {
    given: [asking({ approvals: 2 })],
    timeline: { '0 s': fires(), '3 min': approves('person:ada'), '20 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'requested-rollback-with-a-second-approval': {
    given: [configured({ autoRollback: { mode: 'suggest', evidence: 'time', unknownMigration: 'act', approvals: 2 } })],
    timeline: {
      '0 s': fires(),
      '4 min': says({ kind: 'rollback', by: 'person:ada', note: '' }),
      '6 min': approves('person:ada'),
      '7 min': approves('person:bo'),
      '9 min': ends(),
    },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'unanswered-approval-request-pages': {
    given: [asking({ onApprovalTimeout: 'page' })],
    timeline: { '0 s': fires(), '20 min': ends() },
    calls: [PAGE, PAGE_AGAIN, PAGE_THIRD, RESOLVE, RESOLVE_AGAIN, RESOLVE_THIRD],
    status: 'resolved',
  },
  'approval-timeout-acts': {
    given: [asking({ onApprovalTimeout: 'act' })],
    timeline: { '0 s': fires(), '20 min': ends() },
    calls: [PAGE, PAGE_AGAIN, ROLL_BACK, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'approval-timeout-does-not-act-with-another-guard': {
    given: [asking({ onApprovalTimeout: 'act', unknownMigration: 'approve' })],
    timeline: { '0 s': fires(), '20 min': ends() },
    calls: [PAGE, PAGE_AGAIN, PAGE_THIRD, RESOLVE, RESOLVE_AGAIN, RESOLVE_THIRD],
    status: 'resolved',
  },
  'approval-timeout-does-not-count-as-a-second-approval': {
    given: [asking({ onApprovalTimeout: 'act', approvals: 2 })],
    timeline: { '0 s': fires(), '3 min': approves('person:ada'), '20 min': ends() },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'approval-timeout-at-the-limit-of-all-services': {
    given: [
      asking({ onApprovalTimeout: 'act' }),
      betweenJudgementAndAct(({ store, clock }) => {
        const times = Array.from({ length: 10 }, () => clock.now());
        return store.write([put({ ...keys.pace(), times, acts: [], rev: 1 })]);
      }),
    ],
    timeline: { '0 s': fires(), '20 min': ends() },
    // The second judgement requires approval.
    calls: [PAGE, PAGE_AGAIN, PAGE_THIRD, RESOLVE, RESOLVE_AGAIN, RESOLVE_THIRD],
    status: 'resolved',
  },

  // Changes between the decision and the rollback.
  'simultaneous-failures-repeat-the-decision': {
    given: [besideStrangers],
    timeline: {
      '0 s': fires(),
      '2 s': fires(ofStranger('cart')),
      '4 s': all(fires(ofStranger('search')), fires(ofStranger('ledger'))),
      '9 min': over({}, ...STRANGERS.map(ofStranger)),
    },
    calls: [
      PAGE,
      ...STRANGERS.map((name) => `${PAGE} for ${name}`),
      RESOLVE,
      ...STRANGERS.map((name) => `${RESOLVE} for ${name}`),
    ],
    status: 'resolved',
  },
  'demoted-between-decision-and-rollback': {
    given: [
      betweenJudgementAndAct(({ store, clock }) => {
        const demotion = { at: clock.now(), reason: '2 of its last 9 automatic actions were wrong' };
        return store.write([put({ ...keys.demotion('checkout'), service: 'checkout', ...demotion })]);
      }),
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    // The second judgement requires approval.
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'limit-of-all-services-between-decision-and-rollback': {
    given: [
      betweenJudgementAndAct(({ store, clock }) => {
        const times = Array.from({ length: 10 }, () => clock.now());
        return store.write([put({ ...keys.pace(), times, acts: [], rev: 1 })]);
      }),
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    // The second judgement requires approval.
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'target-is-pinned-between-decision-and-rollback': {
    given: [
      betweenJudgementAndAct(({ deps, store, clock }) => {
        const [change] = store.changes;
        if (change === undefined) throw new Error('nothing was deployed');
        const pin = {
          service: change.service,
          environment: change.environment,
          version: 'v1' as Version,
          incident_id: '01TESTSTRANGER000000000000' as IncidentId,
          reason: 'rolled back to v0',
          pinned_at: clock.now(),
        };
        return deps.pins.add(pin, change.id);
      }),
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'recorded-newer-version-is-rolled-back-by-request': {
    given: [
      vendors({
        rollbacks: [
          { kind: 'superseded', current: 'v3' },
          { kind: 'succeeded', id: 'rb-2' },
        ],
      }),
    ],
    timeline: { '0 s': fires(), '4 min': says({ kind: 'rollback', by: 'person:ada', note: '' }), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, 'cd roll-back.2 v3 to v1', RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },

  // The cause, and the verification.
  'no-drift-after-a-rollback': {
    given: [withHealth, healthy, vendors({ holds: [{ kind: 'unknown', detail: 'answered 503' }, { kind: 'holds' }] })],
    timeline: { '0 s': fires(), '20 min': ends() },
    calls: [PAGE, ROLL_BACK, LOOK, LOOK, LOOK, LOOK, RESOLVE],
    status: 'resolved',
  },
  'drift-after-a-rollback': {
    given: [
      withHealth,
      healthy,
      vendors({ holds: [{ kind: 'holds' }, { kind: 'drifted', detail: 'v2 runs again: it was synced' }] }),
    ],
    timeline: { '0 s': fires(), '20 min': ends() },
    calls: [PAGE, ROLL_BACK, LOOK, LOOK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'newer-deploy-after-a-rollback-is-no-drift': {
    given: [withHealth, healthy, vendors({ holds: [{ kind: 'drifted', detail: 'v3 runs' }] })],
    timeline: { '0 s': fires(), '30 s': deploys('v3', 0), '20 min': ends() },
    calls: [PAGE, ROLL_BACK, LOOK, LOOK, LOOK, LOOK, RESOLVE],
    status: 'resolved',
  },
  'approved-rollback-of-a-dependency': {
    given: [dependsOnPayments, failing],
    timeline: {
      '0 s': fires(ofPayments),
      '20 s': fires(),
      '5 min': all(answersWhatWaits('approved'), healthy),
      '30 min': over(ofPayments, undefined),
    },
    // Approved in the incident of the caller, and executed by that of the dependency, whose page stands for both.
    calls: [PAGE_PAYMENTS, 'cd roll-back.2 p2 to p1 of payments', RESOLVE_PAYMENTS],
    status: 'resolved',
  },
  'next-suspect-after-a-failed-mitigation': {
    given: [dependsOnPayments, failing],
    timeline: {
      '0 s': fires(),
      '60 s': fires(ofPayments),
      '20 min': all(approves('person:ada'), healthy),
      '50 min': over(ofPayments, undefined),
    },
    calls: [
      PAGE,
      ROLL_BACK,
      // The page of checkout stands for the group; its next one is that of the parent.
      `${PAGE_AGAIN} for several-services`,
      'cd roll-back.2 p2 to p1 of payments',
      RESOLVE,
      `${RESOLVE_AGAIN} for several-services`,
    ],
    status: 'resolved',
  },
};
