import { retryRun, startRun } from '../../../core/actions/runbooks/start-run.ts';
import type { RequestedRun } from '../../../core/actions/runbooks/plan-run.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { runId } from '../../../schemas/runbooks/parts/runs.ts';
import type { HttpAnswer } from '../../../core/domain/ports/runbooks.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import { runbook } from '../../core/domain/runbooks/support.ts';
import type { FakeWorld } from '../../support/fake-deps.ts';
import { inhibited, silenced } from '../../support/signals.ts';
import {
  acting,
  all,
  answers,
  answersWhatWaits,
  deploys,
  ends,
  fires,
  type Moment,
  pauses,
  repeats,
  says,
  theIncident,
} from '../play.ts';
import type { Path } from './rollbacks.ts';

/** Stories of incidents with a runbook. */

/** Sets the active runbooks by name, and further settings of the environment beside `act`. */
export const follows =
  (heads: Record<string, string>, more: object = {}, paging: object = {}): Moment =>
  (world) => {
    const config = acting({ flags: { kind: 'http', url: 'http://flags.test' }, ...more }, paging);
    const runbooks = Object.entries(heads).map(([name, head]) =>
      runbook(`match: { runbook: ${name} }\n${head}`, `${name}.md`),
    );
    world.config = { ...config, runbooks: { version: 'test', runbooks } };
  };

/** An alert that names a runbook, and requests nothing else. */
export const names = (name: string) => ({ name: `For${name}`, labels: { runbook: name, action: '' } });

export const set =
  (what: Partial<FakeWorld>): Moment =>
  (world) =>
    void Object.assign(world, structuredClone(what));

export const later: TargetResponse = { kind: 'later', detail: 'answered 503', afterSeconds: null };
export const done: TargetResponse = { kind: 'succeeded', id: null };
export const answered = (status: number, body: unknown = null): HttpAnswer => ({
  kind: 'answered',
  status,
  body,
  afterSeconds: null,
});

export const dies: Moment = async (world) => {
  const id = theIncident(world);
  const run = (await world.deps.incidents.read(id))?.run ?? 1;
  world.kill(id, run);
  await world.deps.incidents.handOver(id, run + 1, 'the sweeper found it dead');
  await world.deps.engine.start(id, run + 1);
};

const approving = {
  autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 30 },
};
const aborts = says({ kind: 'abort', by: 'person:ada', note: '' }, { automationPaused: true });
const resolves = says({ kind: 'resolve', by: 'person:ada', note: '' });

/** A traffic route between two places of other systems, each with a query for its health. */
export const REROUTE = {
  reroute: {
    regions: {
      kind: 'http',
      url: 'http://route.test',
      targets: { eu: {}, us: { health: { promql: 'errors:us', max: 0.01 }, maxShare: 80 } },
    },
  },
};

export const shifts = (more = '') =>
  `undo: reverse
steps:
  - { id: shift, uses: reroute, with: { from: eu, to: us, percent: 60, ceiling: 70 }, timeout: 20m${more} }
`;

export const weights = (eu: number, us: number) => ({ kind: 'weights', weights: { eu, us } }) as const;

export const isHealthy = set({ health: { kind: 'value', value: 0.002 } });

const LONG = `undo: reverse
onFailure: undo
steps:
  - id: off
    uses: flag.disable
    with: { flag: new-basket }
    timeout: 5m
  - id: drain
    uses: http
    with: { method: POST, url: https://ops.test/drains }
    inverse: { uses: http, with: { method: DELETE, url: 'https://ops.test/drains/\${{ steps.drain.output.body.id }}' } }
    timeout: 5m
  - id: settle
    uses: wait
    with: { for: 40m }
  - id: more
    uses: scale
    with: { by: 2, ceiling: 10 }
    approval: true
    timeout: 5m
  - id: again
    uses: restart
    timeout: 10m
`;

const PAGE = 'pager trigger page.1 critical';
const PAGE_AGAIN = 'pager trigger page.2 critical';
const RESOLVE = 'pager resolve page.1 critical';
const PAGE_WARNING = 'pager trigger page.1 warning';
const RESOLVE_WARNING = 'pager resolve page.1 warning';
const RESOLVE_AGAIN = 'pager resolve page.2 critical';
const page = (number: number): string => `pager trigger page.${number} critical`;
const resolvesTo = (last: number): string[] =>
  Array.from({ length: last }, (_, index) => `pager resolve page.${index + 1} critical`);
const FLAG_OFF = 'flag new-basket off';
const FLAG_ON = 'flag new-basket on';
const DRAIN = 'http POST https://ops.test/drains runbook.1.drain';
const UNDRAIN = 'http DELETE https://ops.test/drains/d-7 runbook.1.drain.undo';

/** The response to the drain request contains the ID that ends the drain. */
const drained = set({ answers: [answered(201, { id: 'd-7' })] });

/** A person starts a runbook, as through the API. */
export const starts =
  (named: string, more: Partial<RequestedRun> = {}, request: Partial<Parameters<typeof startRun>[3]> = {}): Moment =>
  (world) =>
    startRun(
      world.deps,
      ADA,
      {
        runbook: named,
        service: 'checkout' as ServiceName,
        environment: 'production' as EnvironmentName,
        inputs: {},
        ...more,
      },
      { trace: 'trace', ...request },
    );

export const retries =
  (number = 1, key?: string): Moment =>
  (world) =>
    retryRun(world.deps, ADA, runId(theIncident(world), number), key);

const ADA: Caller = { name: 'person:ada', allow: () => undefined };

const TWO = `steps:
  - { id: drain, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/drains }, timeout: 5m }
  - { id: told, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/told }, timeout: 5m }
`;

const TOLD = 'http POST https://ops.test/told runbook.1.told';
const TOLD_AGAIN = 'http POST https://ops.test/told runbook.101.told';

const off = (more = '') => `steps:
  - id: off
    uses: flag.disable
    with: { flag: new-basket }
    timeout: 5m
${more}`;

const drain = `steps:
  - { id: drain, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/drains }, timeout: 5m }
`;

const parallel = `steps:
  - id: both
    parallel:
      - { id: off, uses: flag.disable, with: { flag: new-basket }, timeout: 5m }
      - { id: drain, uses: http, irreversible: true, with: { method: POST, url: https://ops.test/drains }, timeout: 5m }
  - id: after
    uses: note
    with: { text: 'both: \${{ steps.off.status }} and \${{ steps.drain.status }}' }
`;

const rollsBack = `steps:
  - { id: back, uses: rollback, timeout: 30m }
  - { id: off, uses: flag.disable, when: 'steps.back.status != "succeeded"', with: { flag: new-basket }, timeout: 5m }
`;

/** A runbook that turns off the suspected flag, for an alert that requests a rollback: both want the same. */
export const turnsFlagOff = `steps:
  - { id: off, uses: flag.disable, with: { flag: '\${{ suspect.version }}' }, timeout: 5m }
  - { id: after, uses: note, with: { text: 'goes on' } }
`;
export const asksForFlag = { name: 'FlagFails', labels: { runbook: 'one' } };

/** Instead of two deploys, a flag was changed shortly before. */
export const flagChanged: Moment = async (world) => {
  world.store.forgetChanges();
  await deploys('new-basket', 5, { kind: 'flag' })(world);
};

export const runbookPaths: Record<string, Path> = {
  'runbook-step-waits-for-the-answer-to-the-same-question': {
    given: [follows({ one: turnsFlagOff }), flagChanged],
    timeline: { '0 s': fires(asksForFlag), '2 min': answersWhatWaits('approved'), '30 min': ends(asksForFlag) },
    calls: [PAGE, FLAG_OFF, RESOLVE],
    status: 'resolved',
  },
  'runbook-step-does-not-do-what-was-rejected': {
    given: [follows({ one: turnsFlagOff }), flagChanged],
    timeline: { '0 s': fires(asksForFlag), '2 min': answersWhatWaits('rejected'), '9 min': ends(asksForFlag) },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },

  'runbook-runs-to-its-end': {
    given: [follows({ long: LONG }), drained],
    timeline: { '0 s': fires(names('long')), '45 min': answers('approved'), '2 h': ends(names('long')) },
    calls: [PAGE, FLAG_OFF, DRAIN, PAGE_AGAIN, 'scale 3 to 5', 'restart', ...resolvesTo(2)],
    status: 'resolved',
  },
  'runbook-undoes-its-steps-after-a-failure': {
    given: [
      follows({ long: LONG }),
      drained,
      set({ acts: [done, { kind: 'refused', detail: 'it does not support a restart' }, done] }),
    ],
    timeline: {
      '0 s': fires(names('long')),
      '45 min': answers('approved'),
      // Only a person turns a flag back on that was turned off as a mitigation.
      '50 min': answersWhatWaits('approved'),
      '60 min': ends(names('long')),
    },
    calls: [
      PAGE,
      FLAG_OFF,
      DRAIN,
      PAGE_AGAIN,
      'scale 3 to 5',
      'restart',
      'scale 5 to 3',
      UNDRAIN,
      page(3),
      FLAG_ON,
      page(4),
      ...resolvesTo(4),
    ],
    status: 'resolved',
  },
  'failed-runbook-is-continued-by-a-person': {
    given: [follows({ two: TWO }), set({ answers: [answered(200, { id: 'd-7' }), answered(422), answered(200)] })],
    timeline: { '0 s': fires(names('two')), '5 min': retries(), '7 min': ends(names('two')) },
    calls: [PAGE, DRAIN, TOLD, PAGE_AGAIN, TOLD_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'unanswered-call-is-searched-before-a-retry': {
    given: [
      follows({ two: TWO }),
      set({
        answers: [
          ...Array.from({ length: 9 }, () => ({ kind: 'later', detail: 'answered 503' }) as const),
          // The call with this key failed, so it is repeated with a new key.
          answered(422),
          answered(200, { id: 'd-8' }),
          answered(200),
        ],
      }),
    ],
    timeline: { '0 s': fires(names('two')), '20 min': retries(), '27 min': ends(names('two')) },
    calls: [
      PAGE,
      ...Array.from({ length: 9 }, () => DRAIN),
      PAGE_AGAIN,
      DRAIN,
      'http POST https://ops.test/drains runbook.101.drain.2',
      TOLD_AGAIN,
      RESOLVE,
      RESOLVE_AGAIN,
    ],
    status: 'resolved',
  },
  'manual-runbook-in-mode-suggest': {
    given: [follows({ back: rollsBack }, { autoRollback: { mode: 'shadow', unknownMigration: 'act' } })],
    timeline: { '0 s': starts('back'), '40 min': resolves },
    calls: ['cd roll-back.2 v2 to v1'],
    status: 'resolved',
  },
  'manual-runbook-needs-a-second-person': {
    given: [
      follows(
        { off: off() },
        { autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act', approvals: 2 } },
      ),
    ],
    timeline: {
      '0 s': starts('off'),
      '2 min': answersWhatWaits('approved', 'person:ada'),
      '4 min': answersWhatWaits('approved', 'person:bo'),
      '40 min': resolves,
    },
    calls: [PAGE_WARNING, FLAG_OFF, RESOLVE_WARNING],
    status: 'resolved',
  },
  'manual-runbook-continues-after-a-crash': {
    given: [follows({ long: LONG }), drained],
    timeline: { '0 s': starts('long'), '10 min': dies, '50 min': answersWhatWaits('approved'), '2 h': resolves },
    calls: [
      FLAG_OFF,
      'http POST https://ops.test/drains runbook.101.drain',
      PAGE_WARNING,
      'scale 3 to 5',
      'restart',
      RESOLVE_WARNING,
    ],
    status: 'resolved',
  },
  'runbook-step-is-rejected': {
    given: [follows({ long: LONG }), drained],
    timeline: { '0 s': fires(names('long')), '45 min': answers('rejected'), '2 h': ends(names('long')) },
    calls: [PAGE, FLAG_OFF, DRAIN, PAGE_AGAIN, ...resolvesTo(2)],
    status: 'resolved',
  },
  'unanswered-runbook-stops': {
    given: [
      follows({ long: LONG }, { autoRollback: { mode: 'act', evidence: 'time', approvalTimeoutMinutes: 10 } }),
      drained,
    ],
    timeline: { '0 s': fires(names('long')), '3 h': ends(names('long')) },
    // The question, when its time is two thirds over, and when it is over.
    calls: [PAGE, FLAG_OFF, DRAIN, PAGE_AGAIN, page(3), page(4), ...resolvesTo(4)],
    status: 'resolved',
  },
  'automation-is-aborted-during-a-runbook': {
    given: [follows({ long: LONG }), drained],
    timeline: { '0 s': fires(names('long')), '10 min': aborts, '2 h': ends(names('long')) },
    calls: [PAGE, FLAG_OFF, DRAIN, RESOLVE],
    status: 'resolved',
  },
  'kill-switch-during-a-runbook': {
    given: [follows({ long: LONG }), drained],
    timeline: { '0 s': fires(names('long')), '10 min': pauses(true), '2 h': ends(names('long')) },
    calls: [PAGE, FLAG_OFF, DRAIN, RESOLVE],
    status: 'resolved',
  },
  'resolved-during-a-runbook': {
    given: [follows({ long: LONG }), drained],
    timeline: { '0 s': fires(names('long')), '10 min': resolves },
    calls: [PAGE, FLAG_OFF, DRAIN, RESOLVE],
    status: 'resolved',
  },
  'runbook-asks-before-each-change-in-mode-approve': {
    given: [follows({ off: off() }, approving)],
    timeline: { '0 s': fires(names('off')), '5 min': answersWhatWaits('approved'), '30 min': ends(names('off')) },
    calls: [PAGE, FLAG_OFF, RESOLVE],
    status: 'resolved',
  },
  'runbook-in-shadow-mode-changes-nothing': {
    given: [follows({ long: LONG }, { autoRollback: { mode: 'shadow' } })],
    timeline: { '0 s': fires(names('long')), '2 h': ends(names('long')) },
    calls: [PAGE, RESOLVE],
    status: 'resolved',
  },
  'parallel-runbook-steps': {
    given: [follows({ both: parallel }), drained],
    timeline: { '0 s': fires(names('both')), '20 min': ends(names('both')) },
    calls: [PAGE, DRAIN, FLAG_OFF, RESOLVE],
    status: 'resolved',
  },
  'runbook-waits-for-its-rollback': {
    given: [
      follows({ back: rollsBack }),
      set({ rollbacks: [{ kind: 'in_progress', id: 'rb-1', handle: null }, done] }),
    ],
    timeline: { '0 s': fires(names('back')), '20 min': ends(names('back')) },
    // No alert requested a rollback at the first judgement.
    calls: [PAGE, 'cd roll-back.2 v2 to v1', 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'runbook-rollback-asks-once': {
    given: [follows({ back: rollsBack.replace('timeout: 30m', 'timeout: 30m, approval: true') }, approving)],
    timeline: { '0 s': fires(names('back')), '10 min': answersWhatWaits('approved'), '20 min': ends(names('back')) },
    calls: [PAGE, 'cd roll-back.2 v2 to v1', RESOLVE],
    status: 'resolved',
  },
  'runbook-continues-without-a-rollback-target': {
    given: [follows({ back: rollsBack }), ({ store }) => store.forgetChanges()],
    timeline: { '0 s': fires(names('back')), '20 min': ends(names('back')) },
    calls: [PAGE, FLAG_OFF, RESOLVE],
    status: 'resolved',
  },
  'joining-alert-has-its-own-runbook': {
    given: [follows({ off: off(), drain }), drained],
    timeline: {
      '0 s': fires(names('off')),
      '5 min': fires(names('drain')),
      '6 min': fires({ ...names('off'), name: 'Another' }),
      '40 min': all(ends(names('off')), ends(names('drain')), ends({ ...names('off'), name: 'Another' })),
    },
    calls: [PAGE, FLAG_OFF, PAGE_AGAIN, 'http POST https://ops.test/drains runbook.2.drain', RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'muted-alert-starts-no-runbook': {
    given: [follows({ off: off(), drain }), drained],
    timeline: {
      '0 s': fires(names('off')),
      '5 min': fires({ ...names('drain'), mute: inhibited }),
      '6 min': fires({ ...names('off'), name: 'Another' }),
      '7 min': dies,
      '40 min': all(ends(names('off')), ends(names('drain')), ends({ ...names('off'), name: 'Another' })),
    },
    calls: [PAGE, FLAG_OFF, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'silenced-alert-starts-no-runbook': {
    given: [follows({ off: off(), drain }), drained],
    timeline: {
      '0 s': fires(names('off')),
      '5 min': fires({ ...names('drain'), mute: silenced }),
      '6 min': fires({ ...names('off'), name: 'Another' }),
      '40 min': all(ends(names('off')), ends(names('drain')), ends({ ...names('off'), name: 'Another' })),
    },
    calls: [PAGE, FLAG_OFF, PAGE_AGAIN, RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'alert-starts-its-runbook-when-its-mute-ends': {
    given: [follows({ off: off(), drain }), drained],
    timeline: {
      '0 s': fires(names('off')),
      '5 min': fires({ ...names('drain'), mute: inhibited }),
      '20 min': repeats(names('drain')),
      '40 min': all(ends(names('off')), ends(names('drain'))),
    },
    calls: [PAGE, FLAG_OFF, PAGE_AGAIN, 'http POST https://ops.test/drains runbook.2.drain', RESOLVE, RESOLVE_AGAIN],
    status: 'resolved',
  },
  'next-run-continues-the-runbook': {
    given: [follows({ long: LONG }), drained],
    timeline: {
      '0 s': fires(names('long')),
      '20 min': dies,
      '45 min': answers('approved'),
      '2 h': ends(names('long')),
    },
    calls: [PAGE, FLAG_OFF, DRAIN, PAGE_AGAIN, 'scale 3 to 5', 'restart', ...resolvesTo(2)],
    status: 'resolved',
  },
  'runbook-shifts-traffic-and-back': {
    given: [
      follows(
        { shift: `${shifts(', onFailure: continue')}  - { id: again, uses: restart, timeout: 5m, onFailure: undo }\n` },
        REROUTE,
      ),
      isHealthy,
      set({
        acts: [{ kind: 'refused', detail: 'it does not support a restart' }],
        reroutes: [{ kind: 'in_progress', id: null, handle: 'settled', afterSeconds: 120 }, done],
      }),
    ],
    timeline: { '0 s': fires(names('shift')), '30 min': ends(names('shift')) },
    calls: [
      PAGE,
      'reroute eu 100, us 0 to eu 40, us 60',
      'reroute look settled',
      'restart',
      'reroute eu 40, us 60 to eu 100, us 0',
      PAGE_AGAIN,
      RESOLVE,
      RESOLVE_AGAIN,
    ],
    status: 'resolved',
  },
  'runbook-http-call-is-retried-with-its-key': {
    given: [
      follows({
        hook: `steps:
  - id: hook
    uses: http
    with: { method: POST, url: https://ops.test/hook }
    irreversible: true
    timeout: 5m
    retry: { max: 2, backoff: exponential, delay: 10s }
`,
      }),
      set({ answers: [answered(503), { kind: 'later', detail: 'no answer' }, answered(409), answered(200)] }),
    ],
    timeline: { '0 s': fires(names('hook')), '20 min': ends(names('hook')) },
    calls: [
      PAGE,
      ...Array.from({ length: 3 }, () => 'http POST https://ops.test/hook runbook.1.hook'),
      'http POST https://ops.test/hook runbook.1.hook.2',
      RESOLVE,
    ],
    status: 'resolved',
  },
};
