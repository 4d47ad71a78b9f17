import { clearSuspectChange } from '../../../core/actions/incidents/clear-suspect.ts';
import { restoreSuspectChange } from '../../../core/actions/incidents/restore-suspect.ts';
import { executeResponseAction } from '../../../core/actions/incidents/response-action.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { ChangeId, IncidentId, Version } from '../../../schemas/config/names.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import { all, answersWhatWaits, deploys, ends, fires, mode, type Moment, says, theIncident } from '../play.ts';
import type { Path } from './rollbacks.ts';

/** Stories in which people correct the automation: they clear a suspect, or name a good version. */

const ADA: Caller = { name: 'person:ada', allow: () => undefined };
const BO: Caller = { name: 'person:bo', allow: () => undefined };

function changeIdOf(world: FakeWorld, version: string): ChangeId {
  const found = world.store.changes.find((change) => change.version === version);
  if (found === undefined) throw new Error(`${version} was not deployed`);
  return found.id;
}

function incidentOf(world: FakeWorld, service: string): IncidentId {
  const found = [...world.store.dossiers.values()].find(({ record }) => record.service === service);
  if (found === undefined) throw new Error(`no incident of ${service} has been opened yet`);
  return found.record.id;
}

/** A person clears a version. */
export const clears =
  (version: string, { caller = ADA, of = 'checkout' }: { caller?: Caller; of?: string } = {}): Moment =>
  (world) =>
    clearSuspectChange(world.deps, caller, {
      id: incidentOf(world, of),
      change: changeIdOf(world, version),
      key: `cleared-${version}-${caller.name}`,
    });

/** A person makes a cleared version a suspect again. */
export const suspects =
  (version: string, caller = BO): Moment =>
  (world) =>
    restoreSuspectChange(world.deps, caller, { id: theIncident(world), change: changeIdOf(world, version) });

/** A person requests a rollback, optionally to a named version. */
export const asksForRollback =
  (to?: string): Moment =>
  (world) =>
    executeResponseAction(world.deps, ADA, {
      id: theIncident(world),
      action: 'rollback',
      note: '',
      ...(to !== undefined && { to: to as Version }),
    });

/** A moment right before or after the first judgement is stored. */
const atTheJudgement =
  (when: 'before' | 'after', moment: Moment): Moment =>
  (world) => {
    let left = 1;
    world.on('decisions.keep', {
      [when]: async () => {
        left -= 1;
        if (left === 0) await moment(world);
      },
    });
  };

/** Checkout depends on payments, which was deployed shortly after it and fails first. Both require approval. */
const dependsOnPayments: Moment = async (world) => {
  const deployer = { kind: 'http', url: 'http://cd.test/rollback' };
  const health = { promql: 'job:checkout:error_ratio', max: 0.01 };
  const production = { deployer, autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' } };
  world.config = Config.parse({
    version: 'test',
    services: {
      checkout: { dependsOn: ['payments'], environments: { production: { ...production, health } } },
      payments: { environments: { production } },
    },
    paging: {},
  });
  await deploys('p1', 300, { service: 'payments' })(world);
  await deploys('p2', 6, { service: 'payments' })(world);
};
const ofPayments = { name: 'PaymentsFail', labels: { service: 'payments', action: '' } };

const PAGE = 'pager trigger page.1 critical';
const ROLL_BACK = 'cd roll-back.1 v2 to v1';
const RESOLVE = 'pager resolve page.1 critical';

export const suspectPaths: Record<string, Path> = {
  'suspect-is-cleared-during-an-approval-request': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': clears('v2'), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'suspect-is-cleared-during-the-decision': {
    given: [mode('approve'), atTheJudgement('before', clears('v2'))],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'suspect-is-cleared-between-decision-and-rollback': {
    given: [atTheJudgement('after', clears('v2'))],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'suspect-is-cleared-after-an-approval': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '2 s': all(answersWhatWaits('approved', 'person:bo'), clears('v2')), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'suspect-is-cleared-during-the-rollback': {
    given: [
      (world) => {
        world.rollbacks = [{ kind: 'in_progress', id: 'rb-1', handle: '/rb-1' }];
        world.looks = [
          { kind: 'in_progress', id: 'rb-1', handle: '/rb-1' },
          { kind: 'succeeded', id: 'rb-1' },
        ];
      },
    ],
    timeline: { '0 s': fires(), '12 s': clears('v2'), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, 'cd look /rb-1', 'cd look /rb-1', RESOLVE],
    status: 'resolved',
  },
  'next-suspect-after-a-clearing': {
    given: [dependsOnPayments],
    timeline: {
      '0 s': fires(),
      '2 min': fires(ofPayments),
      '4 min': clears('v2'),
      '6 min': answersWhatWaits('approved'),
      '9 min': all(ends(), ends(ofPayments)),
    },
    calls: [PAGE, 'cd roll-back.2 p2 to p1 of payments', RESOLVE],
    status: 'resolved',
  },
  'suspect-is-cleared-while-a-dependency-fails': {
    given: [dependsOnPayments],
    timeline: {
      '0 s': fires(ofPayments),
      '20 s': fires(),
      '4 min': clears('p2'),
      '9 min': all(ends(), ends(ofPayments)),
    },
    calls: [`${PAGE} for payments`, `${RESOLVE} for payments`],
    status: 'resolved',
  },
  'cleared-suspect-is-restored': {
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      '3 min': clears('v2'),
      '4 min': suspects('v2'),
      '6 min': answersWhatWaits('approved'),
      '9 min': ends(),
    },
    calls: [PAGE, 'cd roll-back.3 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'cleared-suspect-is-rolled-back-by-request': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '3 min': clears('v2'), '4 min': asksForRollback(), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.3 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'requested-version': {
    given: [mode('suggest'), deploys('v0', 600)],
    timeline: { '0 s': fires(), '4 min': asksForRollback('v0'), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v0', RESOLVE],
    status: 'resolved',
  },
  'requested-version-after-a-newer-deploy': {
    given: [mode('suggest'), deploys('v0', 600)],
    timeline: {
      '0 s': fires(),
      '4 min': says({ kind: 'rollback', by: ADA.name, note: '', from: 'v1' as Version, to: 'v0' as Version }),
      '9 min': ends(),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
};
