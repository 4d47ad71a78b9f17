import type { Message } from '../../../schemas/incidents/inbox.ts';
import { all, configured, diesAfter, ends, fires, type Moment, mode, says } from '../play.ts';
import { begins, finishes, recordsLate } from './late-changes.ts';
import type { Path } from './rollbacks.ts';

/** Stories of people who deploy the earlier version again, with their own CD system. */

const PAGE = 'pager trigger page.1 critical';
const RESOLVE = 'pager resolve page.1 critical';
const PAGE_AGAIN = 'pager trigger page.2 critical';
const RESOLVE_AGAIN = 'pager resolve page.2 critical';

/** Records that a person has deployed v1 again, which took a minute. */
const redeploys: Moment = recordsLate('v1', 1, { author: 'ada' });

const measured =
  (value: number): Moment =>
  (world) => {
    world.health = { kind: 'value', value };
  };

const asksByHealth = configured({
  health: { promql: 'job:checkout:error_ratio', max: 0.01 },
  autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' },
});

/** The run hands over because of a message that it cannot read. */
const handsOver: Moment = says({ kind: 'of-the-future' } as unknown as Message);

const usual = { '0 s': fires(), '4 min': redeploys, '9 min': ends() };
const helped = { calls: [PAGE, RESOLVE], status: 'resolved' } as const;

export const redeployPaths: Record<string, Path> = {
  'redeploy-by-hand': { given: [mode('approve')], timeline: usual, ...helped, calls: [...helped.calls] },
  'redeploy-in-shadow-mode': { given: [mode('shadow')], timeline: usual, ...helped, calls: [...helped.calls] },
  'redeploy-is-reported-from-its-start': {
    given: [mode('suggest')],
    timeline: {
      '0 s': fires(),
      '3 min': begins('v1'),
      '5 min': finishes('v1'),
      '9 min': ends(),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'redeploy-does-not-help': {
    given: [asksByHealth, measured(0.4)],
    timeline: {
      '0 s': fires(),
      '4 min': redeploys,
      '30 min': all(measured(0.001), ends()),
    },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'fix-forward': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': recordsLate('v3', 1, { author: 'ada' }), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'redeploy-and-a-handover': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': redeploys, '6 min': handsOver, '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'redeploy-during-a-rollback': {
    given: [
      (world) => {
        world.rollbacks = [{ kind: 'in_progress', id: 'rb-1', handle: '/rb-1' }];
        world.looks = [
          { kind: 'in_progress', id: 'rb-1', handle: '/rb-1' },
          { kind: 'succeeded', id: 'rb-1' },
        ];
      },
    ],
    timeline: { '0 s': fires(), '12 s': recordsLate('v1', 0), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.1 v2 to v1', 'cd look /rb-1', 'cd look /rb-1', RESOLVE],
    status: 'resolved',
  },
};

/** The points at which the process can die while a redeploy is recorded. */
export const DEATHS = ['incidents.post', 'changes.revise', 'pins.add', 'decisions.withdraw'] as const;

/** The usual story, in which the process dies right after a call. Null: it does not. */
export const redeployWithDeath = (method: (typeof DEATHS)[number] | null): Path => ({
  given: [mode('approve')],
  timeline: { ...usual, '4 min': method === null ? redeploys : all(redeploys, diesAfter(method)) },
  calls: [PAGE, RESOLVE],
  status: 'resolved',
});
