import { keys } from '../../../core/stores/keys.ts';
import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import { put } from '../../../platforms/store.ts';
import type { IncidentStatus } from '../../../schemas/incidents/incident.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { wake } from '../../../workflows/wake.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import {
  all,
  answers,
  answersWithoutRinging,
  configured,
  deploys,
  ends,
  fires,
  type Moment,
  mode,
  pauses,
  says,
  type Story,
  theIncident,
  withHealth,
} from '../play.ts';

/** A story with its expected result: the calls to vendors, in order, and the status of the incident. */
export type Path = Story & { calls: string[]; status: IncidentStatus | '' };

/** Sets the answers of vendors from now on. */
const vendors =
  (
    answer: Partial<Pick<FakeWorld, 'pages' | 'fallbackPager' | 'rollbacks' | 'looks' | 'health' | 'alertState'>>,
  ): Moment =>
  (world) => {
    Object.assign(world, answer);
  };

const healthy = vendors({ health: { kind: 'value', value: 0.001 } });
const failing = vendors({ health: { kind: 'value', value: 0.4 } });

const taken: Attempt = { kind: 'taken', detail: 'accepted' };
const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
const done: TargetResponse = { kind: 'succeeded', id: 'rb-1' };
const later = (afterSeconds: number | null = null) =>
  ({ kind: 'later', detail: 'answered 503', afterSeconds }) as const;
const inProgress = (handle: string | null): TargetResponse => ({ kind: 'in_progress', id: 'rb-1', handle });

const toBeMerged: TargetResponse = {
  kind: 'in_progress',
  id: 'https://git.test/pull/1',
  handle: 'pull/1',
  waitsFor: 'the pull request https://git.test/pull/1 must be merged',
};

const PAGE = 'pager trigger page.1 critical';
const PAGE_WARNING = 'pager trigger page.1 warning';
const PAGE_AGAIN = 'pager trigger page.2 critical';
const ROLL_BACK = 'cd roll-back.1 v2 to v1';
const RESOLVE = 'pager resolve page.1 critical';
const RESOLVE_AGAIN = 'pager resolve page.2 critical';
const PAGE_THIRD = 'pager trigger page.3 critical';
const RESOLVE_THIRD = 'pager resolve page.3 critical';
const times = (count: number, call: string): string[] => Array.from({ length: count }, () => call);

const warning = { labels: { severity: 'warning' } };
const other = { name: 'HighLatency' };
const slowBurn = {
  name: 'SLOSlowBurn',
  labels: { severity: 'ticket', slo: 'checkout', long_window: '3d', short_window: '6h', action: '' },
};
const lookingBack = { name: 'DeploymentDegradation', labels: { long_window: '1h', short_window: '5m' } };
const asksForNothing = { labels: { action: '' } };
const note = (kind: 'pause' | 'resume' | 'abort' | 'resolve' | 'rollback') =>
  ({ kind, by: 'person:ada', note: '' }) as const;

/** Acts right before (or after) the first call of a port. */
const once =
  (method: string, when: 'before' | 'after', moment: Moment): Moment =>
  (world) => {
    let left = 1;
    world.on(method, {
      [when]: async () => {
        left -= 1;
        if (left === 0) await moment(world);
      },
    });
  };

const fails = (): never => {
  throw new Error('the table did not answer');
};

/** Moves the deploy of a version two hours back. */
const longAgo =
  (version: string): Moment =>
  async ({ deps, store }) => {
    for (const { id } of store.changes.filter((change) => change.version === version))
      await deps.changes.revise(id, (change) => {
        const started_at = plusSeconds(change.started_at, -7200);
        return { ...change, started_at, finished_at: plusSeconds(started_at, 180) };
      });
  };

/** The execution fails (a bug, or stopped by a person), and the sweeper starts the next run. */
export const dies: Moment = async (world) => {
  const id = theIncident(world);
  world.kill(id, 1);
  await world.deps.incidents.handOver(id, 2, 'Run 1 of the workflow has died; run 2 takes over');
  await wake(world.deps, id);
};

/** Every path through the workflow. A golden file, if there is one, has the same name. */
export const paths: Record<string, Path> = {
  // Automatic rollbacks, with verification.
  'rollback-is-verified': {
    given: [withHealth, healthy],
    timeline: { '0 s': fires(), '6 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'rollback-does-not-restore-health': {
    given: [withHealth, failing],
    timeline: { '0 s': fires(), '20 min': healthy, '21 min': ends() },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'verification-is-inconclusive-until-the-alerts-end': {
    timeline: { '0 s': fires(), '20 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'no-traffic': {
    given: [
      withHealth,
      vendors({ health: { kind: 'no_data' } }),
      configured({ health: { promql: 'up', max: 1 } }, { autoResolveHours: 1 }),
    ],
    timeline: { '0 s': fires(), '6 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'alerts-vanish-without-an-end': {
    given: [withHealth, healthy, vendors({ alertState: 'listed' })],
    timeline: { '0 s': fires(), '5 min': vendors({ alertState: 'absent' }) },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },

  // Approvals.
  'approval-request-is-approved': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': answers('approved'), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'failed-deploy-is-approved': {
    given: [longAgo('v2'), deploys('v3', 6, { status: 'failed' })],
    timeline: { '0 s': fires(), '4 min': answers('approved'), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.1 v3 to v2', RESOLVE],
    status: 'resolved',
  },
  'lost-callback-of-an-approval': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': answersWithoutRinging('approved'), '20 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'approval-request-is-rejected': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': answers('rejected'), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'unanswered-approval-request': {
    given: [
      configured({
        autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 15 },
      }),
    ],
    timeline: { '0 s': fires(), '20 min': ends() },
    calls: [PAGE, PAGE_AGAIN, PAGE_THIRD, RESOLVE, RESOLVE_AGAIN, RESOLVE_THIRD],
    status: 'resolved',
  },
  'alerts-join-during-an-approval-request': {
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      '2 min': fires(other),
      '4 min': ends(other),
      '6 min': answers('approved'),
      '9 min': ends(),
    },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'approval-request-is-aborted': {
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      '3 min': all(says(note('abort'), { automationPaused: true }), answers('rejected')),
      '9 min': ends(),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'alerts-end-during-an-approval-request': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '5 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'mode-is-lowered-during-an-approval-request': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '3 min': mode('shadow'), '4 min': answers('approved'), '9 min': ends() },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'requested-rollback': {
    given: [mode('suggest')],
    timeline: { '0 s': fires(), '4 min': says(note('rollback')), '9 min': ends() },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },

  // No rollback, with the reason.
  suggests: {
    given: [mode('suggest')],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'shadow-mode': {
    given: [mode('shadow')],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'no-rollback-requested': {
    timeline: { '0 s': fires(asksForNothing), '9 min': ends(asksForNothing) },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'no-suspect': {
    given: [configured({ deployer: undefined })],
    timeline: { '0 s': fires(warning), '9 min': ends(warning) },
    calls: ['pager trigger page.1 warning', 'pager resolve page.1 warning'],
    status: 'resolved',
  },
  'kill-switch-between-decision-and-rollback': {
    given: [once('decisions.keep', 'after', pauses(true))],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'kill-switch-is-unreadable': {
    given: [(world) => world.on('automation.read', { before: fails })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'incident-is-paused-between-decision-and-rollback': {
    given: [once('decisions.keep', 'after', says(note('pause'), { automationPaused: true }))],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'another-incident-holds-the-rollback-lock': {
    given: [
      ({ store, clock }) => {
        const until = plusSeconds(clock.now(), 600);
        const lock = { key: 'of another', incident_id: '01TESTSTRANGER000000000000', until };
        return store.write([put({ ...keys.lock('http://cd.test/rollback'), ...lock })]);
      },
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'newer-deploy-between-decision-and-rollback': {
    given: [once('decisions.keep', 'after', deploys('v3', 1))],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },

  // Answers of CD systems.
  'cd-system-is-busy-at-first': {
    given: [
      vendors({ rollbacks: [{ kind: 'busy', detail: 'one is in progress' }, { kind: 'busy', detail: 'still' }, done] }),
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ...times(3, ROLL_BACK), RESOLVE],
    status: 'resolved',
  },
  'cd-system-sends-retry-after': {
    given: [vendors({ rollbacks: [later(90), later(), done] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ...times(3, ROLL_BACK), RESOLVE],
    status: 'resolved',
  },
  'cd-system-runs-a-newer-version': {
    given: [vendors({ rollbacks: [{ kind: 'superseded', current: 'v3' }] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'cd-system-refuses': {
    given: [vendors({ rollbacks: [{ kind: 'refused', detail: 'answered 404: unknown service' }] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'cd-system-reports-a-failed-rollback': {
    given: [vendors({ rollbacks: [{ kind: 'failed', detail: 'hook exited with 1' }] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'accepted-rollback-is-polled': {
    given: [vendors({ rollbacks: [inProgress('http://cd.test/rb-1')], looks: [inProgress(null), later(), done] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, ...times(3, 'cd look http://cd.test/rb-1'), RESOLVE],
    status: 'resolved',
  },
  'accepted-rollback-is-polled-by-its-key': {
    given: [vendors({ rollbacks: [inProgress(null), inProgress(null), done] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ...times(3, ROLL_BACK), RESOLVE],
    status: 'resolved',
  },
  'rollback-waits-for-a-merge': {
    given: [vendors({ rollbacks: [toBeMerged], looks: [toBeMerged, inProgress('commit/1'), done] })],
    // A warning does not page by itself, but this rollback needs a person.
    timeline: { '0 s': fires(warning), '9 min': ends(warning) },
    calls: [ROLL_BACK, PAGE_WARNING, ...times(3, 'cd look pull/1'), 'pager resolve page.1 warning'],
    status: 'resolved',
  },
  'cd-system-is-unreachable-until-the-deadline': {
    given: [vendors({ rollbacks: [later()] })],
    timeline: { '0 s': fires(), '90 min': ends() },
    calls: [PAGE, ...times(37, ROLL_BACK), PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'alerts-end-before-the-rollback': {
    timeline: { '0 s': fires(), '4 s': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'alerts-end-during-the-rollback': {
    given: [vendors({ rollbacks: [inProgress('http://cd.test/rb-1')], looks: [inProgress(null), done] })],
    timeline: { '0 s': fires(), '13 s': ends() },
    calls: [PAGE, ROLL_BACK, ...times(2, 'cd look http://cd.test/rb-1'), RESOLVE],
    status: 'resolved',
  },

  // Answers of pagers.
  'pager-is-unreachable-at-first': {
    given: [vendors({ pages: [later(), later(30), taken] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, PAGE, ROLL_BACK, PAGE, RESOLVE],
    status: 'resolved',
  },
  'unreachable-pager-uses-the-fallback': {
    given: [
      vendors({
        pages: [later(), later(), later(), later(), later(), taken],
        fallbackPager: [{ kind: 'taken', detail: 'answered 204' }],
      }),
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, PAGE, ROLL_BACK, ...times(3, PAGE), 'fallback pager trigger page.1.second critical', PAGE, RESOLVE],
    status: 'resolved',
  },
  'refusing-pager-uses-the-fallback': {
    given: [
      vendors({
        pages: [{ kind: 'refused', detail: 'answered 400' }],
        fallbackPager: [{ kind: 'taken', detail: 'answered 204' }],
      }),
    ],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, 'fallback pager trigger page.1.second critical', ROLL_BACK],
    status: 'resolved',
  },
  'every-pager-refuses': {
    given: [vendors({ pages: [{ kind: 'off', detail: 'PagerDuty is off' }] })],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, 'fallback pager trigger page.1.second critical', ROLL_BACK],
    status: 'resolved',
  },
  'higher-severity-pages-again': {
    given: [mode('approve')],
    timeline: { '0 s': fires(warning), '2 min': fires(other), '20 min': all(ends(warning), ends(other)) },
    calls: ['pager trigger page.1 warning', PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'severity-is-raised': {
    given: [mode('shadow')],
    timeline: {
      '0 s': fires(warning),
      '2 min': says({ kind: 'severity', severity: 'critical', by: 'person:ada' }, { severity: 'critical' }),
      '9 min': ends(warning),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'failure-returns-after-the-mitigation': {
    timeline: { '0 s': fires(), '5 min': fires(other), '20 min': all(ends(), ends(other)) },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'long-range-alert-joins-without-a-page': {
    given: [withHealth, healthy],
    timeline: { '0 s': fires(), '3 min': fires(lookingBack), '6 min': ends(lookingBack), '20 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'long-range-alert-pages-after-a-failed-mitigation': {
    given: [withHealth, failing],
    timeline: {
      '0 s': fires(),
      '3 min': fires(lookingBack),
      '20 min': healthy,
      '21 min': all(ends(), ends(lookingBack)),
    },
    calls: [PAGE, ROLL_BACK, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'slow-burn-warning-keeps-no-verified-incident-open': {
    given: [withHealth, healthy],
    timeline: {
      '0 s': fires(),
      '5 s': fires(slowBurn),
      '6 min': ends(),
      '40 min': fires({ ...slowBurn, began: 2455 }),
    },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'slow-burn-warning-without-a-health-query': {
    timeline: { '0 s': fires(), '5 s': fires(slowBurn), '6 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },

  // Ends of incidents.
  'resolved-by-a-person': {
    timeline: { '0 s': fires(), '4 min': says(note('resolve')) },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'resolved-during-an-approval-request': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '4 min': says(note('resolve')) },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'resolved-during-a-rollback': {
    given: [vendors({ rollbacks: [inProgress('http://cd.test/rb-1')], looks: [inProgress(null), done] })],
    timeline: { '0 s': fires(), '17 s': says(note('resolve')) },
    calls: [PAGE, ROLL_BACK, 'cd look http://cd.test/rb-1', RESOLVE, 'cd look http://cd.test/rb-1'],
    status: 'resolved',
  },
  'closes-while-the-pager-is-unreachable': {
    given: [mode('shadow'), vendors({ pages: [later(), later(), later(), taken] })],
    timeline: { '0 s': fires(), '6 s': ends() },
    // The last call is for a page that was never confirmed and may have reached the pager late.
    calls: [PAGE, PAGE, RESOLVE, RESOLVE, RESOLVE],
    status: 'resolved',
  },
  'closed-before-the-workflow-starts': {
    timeline: {
      '0 s': async (world) => {
        await world.deps.incidents.declare({
          ...serviceEnvironment,
          title: 'a drill',
          severity: 'critical',
          by: 'ada',
          trace: 't',
        });
        const id = theIncident(world);
        await world.deps.incidents.resolve(id, 0, 'person:ada', 'It was a drill');
        await world.deps.engine.start(id, 1);
      },
    },
    calls: [],
    status: 'resolved',
  },
  'unknown-incident': {
    timeline: { '0 s': ({ deps }) => deps.engine.start('01TESTNOBODYKNOWS' as IncidentId, 1) },
    calls: [],
    status: '',
  },
  'declared-and-resolved-by-people': {
    given: [mode('shadow')],
    timeline: {
      '0 s': async (world) => {
        const by = { title: 'customers cannot pay', severity: 'critical', by: 'person:ada', trace: 't' } as const;
        const { id } = await world.deps.incidents.declare({ ...serviceEnvironment, ...by });
        await wake(world.deps, id);
      },
      '30 min': says(note('resolve')),
    },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'handover-to-the-next-run': {
    given: [mode('shadow')],
    operations: 1490,
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'next-run-continues-the-verification': {
    timeline: { '0 s': fires(), '5 min': dies, '6 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'next-run-continues-the-approval-request': {
    given: [mode('approve')],
    timeline: { '0 s': fires(), '5 min': dies, '6 min': answers('approved'), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
  'table-is-unavailable-briefly': {
    given: [once('effects.intendAction', 'before', fails), once('incidents.readInbox', 'before', fails)],
    timeline: { '0 s': fires(), '9 min': ends() },
    calls: [PAGE, ROLL_BACK, RESOLVE],
    status: 'resolved',
  },
};
