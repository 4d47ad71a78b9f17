import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  apply,
  initialState,
  afterStarting,
  plan,
  type Plan,
  type ResponseState,
} from '../../../../core/domain/incidents/response.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { type Message, MitigationOutcome, PageNeed, VerificationOutcome } from '../../../../schemas/incidents/inbox.ts';
import { type ChangeId, Severity, type Version } from '../../../../schemas/config/names.ts';
import { NOON } from '../../arbitraries.ts';
import { incident as plainIncident } from '../../stories.ts';
import { runs } from '../../../support/runs.ts';

const incident = (more: Partial<IncidentRecord> = {}): IncidentRecord =>
  plainIncident({ signal_count: 0, requests_rollback: true, ...more });

const signals = (more: Partial<Extract<Message, { kind: 'signals' }>> = {}): Message => ({
  kind: 'signals',
  fired: 1,
  resolved: 0,
  critical: true,
  requestsRollback: false,
  ...more,
});
const mitigation = (outcome: MitigationOutcome, page: PageNeed = 'no', number = 1): Message => ({
  kind: 'mitigation',
  number,
  outcome,
  page,
});
const verification = (outcome: VerificationOutcome, number = 1): Message => ({ kind: 'verification', number, outcome });
const severity = (raised: Severity): Message => ({ kind: 'severity', severity: raised, by: 'ada' });

const left = (page: boolean): Message => ({ kind: 'left', parent: incident().id, page });

/** Returns the initial plan, and the plan after each message. */
function plans(start: IncidentRecord, ...messages: (Message | { firing: number })[]): Plan[] {
  let state = initialState(start, []);
  const all: Plan[] = [];
  const look = () => {
    const due = plan(state);
    all.push(due);
    state = afterStarting(state, due);
  };
  look();
  for (const message of messages) {
    state = 'kind' in message ? apply(state, message) : { ...state, firing: message.firing };
    look();
  }
  return all;
}

const pages = (all: readonly Plan[]): number[] => all.flatMap(({ page }) => page ?? []);
const judgements = (all: readonly Plan[]) => all.flatMap(({ mitigate }) => (mitigate === null ? [] : [mitigate]));

describe('it pages', () => {
  test.each([
    ['once for a critical incident', plans(incident(), signals(), signals()), [1]],
    ['never for a warning', plans(incident({ severity: 'warning' }), signals({ critical: false })), []],
    ['when an alert makes it critical', plans(incident({ severity: 'warning' }), signals(), signals()), [1]],
    [
      'again when an alert makes it critical after a page',
      plans(incident({ severity: 'warning', pages: 1 }), signals()),
      [2],
    ],
    [
      'again when an alert makes an incident critical that paged as a warning',
      plans(
        incident({ severity: 'warning', page: true }),
        signals({ critical: false, pages: true }),
        signals({ pages: true }),
        signals({ pages: true }),
      ),
      [1, 2],
    ],
    ['when a person makes it critical', plans(incident({ severity: 'warning' }), severity('critical')), [1]],
    ['not when a person confirms that it is critical', plans(incident(), severity('critical')), [1]],
    ['again when it becomes critical once more', plans(incident(), severity('warning'), severity('critical')), [1, 2]],
    ['again when a mitigation failed', plans(incident(), mitigation('failed', 'again')), [1, 2]],
    [
      'for a judgement that needs a person, if no page was sent',
      plans(incident({ severity: 'warning' }), mitigation('not_taken', 'if_nobody')),
      [1],
    ],
    ['not for such a judgement after a page', plans(incident(), mitigation('not_taken', 'if_nobody')), [1]],
    [
      'again when the mitigation has not helped',
      plans(incident(), mitigation('succeeded'), verification('failed')),
      [1, 2],
    ],
    [
      'not when the verification is inconclusive',
      plans(incident(), mitigation('succeeded'), verification('inconclusive')),
      [1],
    ],
    [
      'not when a second verification fails too',
      plans(incident(), mitigation('succeeded'), verification('failed'), verification('failed')),
      [1, 2],
    ],
    ['again for a critical alert after the mitigation', plans(incident(), mitigation('succeeded'), signals()), [1, 2]],
    [
      'again for a critical alert that fires after a person resolved it',
      plans(incident(), { kind: 'resolve', by: 'ada', note: '' }, signals()),
      [1, 2],
    ],
    [
      'not for an alert that ends after the mitigation',
      plans(incident(), mitigation('succeeded'), signals({ fired: 0, resolved: 1, critical: false })),
      [1],
    ],
    [
      'not during verification, for an alert that may concern the time before the mitigation',
      plans(incident(), mitigation('succeeded'), signals({ looks_back: true }), verification('passed')),
      [1],
    ],
    [
      'for such an alert when the verification fails',
      plans(incident(), mitigation('succeeded'), signals({ looks_back: true }), verification('failed')),
      [1, 2],
    ],
    [
      'for such an alert when it still fires and the verification is inconclusive',
      plans(
        incident(),
        mitigation('succeeded'),
        signals({ looks_back: true }),
        { firing: 1 },
        verification('inconclusive'),
      ),
      [1, 2],
    ],
    [
      'for an alert that fires after the verification passed',
      plans(
        incident(),
        mitigation('succeeded'),
        signals({ looks_back: true }),
        { firing: 1 },
        verification('passed'),
        signals(),
      ),
      [1, 2],
    ],
    [
      'for such an alert if no page was sent before',
      plans(incident({ severity: 'warning' }), mitigation('succeeded'), signals({ looks_back: true })),
      [1],
    ],
    [
      'not for a warning after the mitigation',
      plans(incident(), mitigation('succeeded'), signals({ critical: false })),
      [1],
    ],
    [
      'again when a person declares an acknowledged incident',
      plans(incident(), { kind: 'declared', severity: 'critical', by: 'ada', page: true }),
      [1, 2],
    ],
    [
      'not when a person declares it while its page is unacknowledged',
      plans(incident(), { kind: 'declared', severity: 'critical', by: 'ada', page: false }),
      [1],
    ],
    ['again when a person asks for it', plans(incident(), { kind: 'page', by: 'person:ada', note: '' }), [1, 2]],
    [
      'for a question, if no page was sent',
      plans(incident({ severity: 'warning' }), { kind: 'page', by: 'firebreak', note: '' }),
      [1],
    ],
    ['again when it leaves its parent and needs a page', plans(incident(), left(true)), [1, 2]],
    ['not when it leaves its parent and needs no page', plans(incident(), left(false)), [1]],
    [
      'for a part that its parent has left, and for nothing as bad that comes after it',
      plans(incident({ parent_id: incident().id }), left(true), signals()),
      [1],
    ],
    ['not for a question after a page', plans(incident(), { kind: 'page', by: 'firebreak', note: '' }), [1]],
  ])('%s', (_, all, expected) => {
    expect(pages(all)).toEqual(expected);
  });

  test('but not again when the next run takes over', () => {
    expect(pages(plans(incident({ pages: 1, mitigations: 1 })))).toEqual([]);
  });

  test('when it became critical between two runs', () => {
    const between = incident({ severity: 'critical', pages: 1, seq: 8, consumed_seq: 7 });
    expect(pages(plans(between, signals()))).toEqual([2]);
  });
});

describe('after several mitigations, it closes', () => {
  const closes = (all: readonly Plan[]): boolean => all.at(-1)?.tryResolve !== null;

  test('only after verification of the newest mitigation', () => {
    const twice = [mitigation('succeeded'), mitigation('succeeded', 'no', 2), { firing: 0 }];
    expect(closes(plans(incident(), ...twice, verification('passed')))).toBe(false);
    expect(closes(plans(incident(), ...twice, verification('passed'), verification('passed', 2)))).toBe(true);
  });

  test('even if a second one was attempted and not done', () => {
    const once = [mitigation('succeeded'), mitigation('refused', 'no', 2), { firing: 0 }];
    expect(closes(plans(incident(), ...once, verification('passed')))).toBe(true);
  });
});

describe('it judges', () => {
  test('immediately, for the alert that requests a rollback', () => {
    expect(judgements(plans(incident()))).toEqual([{ number: 1, request: { by: 'alert', name: '' } }]);
  });

  test('immediately if no alert requests a rollback, and again once an alert requests one', () => {
    const all = plans(
      incident({ requests_rollback: false }),
      signals({ requestsRollback: true }),
      signals({ requestsRollback: true }),
    );
    expect(judgements(all)).toEqual([
      { number: 1, request: { by: 'none', name: '' } },
      { number: 2, request: { by: 'alert', name: '' } },
    ]);
  });

  test('again for every person who asks', () => {
    const all = plans(
      incident(),
      { kind: 'rollback', by: 'person:ada', note: '' },
      { kind: 'rollback', by: 'person:bo', note: '' },
    );
    expect(judgements(all).slice(1)).toEqual([
      { number: 2, request: { by: 'person', name: 'person:ada' } },
      { number: 3, request: { by: 'person', name: 'person:bo' } },
    ]);
  });

  test('but not again when the next run takes over', () => {
    expect(judgements(plans(incident({ mitigations: 1 })))).toEqual([]);
  });

  test('again for the same requester once an alert is measured, unless a mitigation is being verified', () => {
    const quiet = incident({ requests_rollback: false });
    const wants: Message = { kind: 'runbook_rollback', runbook: 'bad-deploy', mode: 'approve' };
    const measured = signals({ fired: 0, measured: true });
    const request = { by: 'runbook', name: 'bad-deploy', mode: 'approve' };
    expect(judgements(plans(quiet, wants, measured)).slice(1)).toEqual([
      { number: 2, request },
      { number: 3, request },
    ]);
    expect(judgements(plans(quiet, wants, mitigation('succeeded', 'no', 2), measured))).toHaveLength(2);
  });

  test('for a request that the previous run did not read', () => {
    const handedOver = incident({ mitigations: 1, seq: 3, consumed_seq: 2 });
    const all = plans(handedOver, signals({ requestsRollback: true }), signals({ requestsRollback: true }));
    expect(judgements(all)).toEqual([{ number: 2, request: { by: 'alert', name: '' } }]);
  });

  test('for a person, with the named version', () => {
    const named = { from: 'v2' as Version, to: 'v0' as Version };
    const all = plans(incident(), { kind: 'rollback', by: 'ada', note: '', ...named });
    expect(judgements(all).at(-1)?.request).toEqual({ by: 'person', name: 'ada', ...named });
  });
});

describe('a proposed rollback', () => {
  const proposed = (from = 'v2'): Message => ({
    kind: 'rollback_proposed',
    by: 'agent',
    note: '',
    from: from as Version,
  });
  const request = { by: 'person', name: 'agent', from: 'v2', proposed: true };

  test('is judged', () => {
    expect(judgements(plans(incident(), proposed())).at(-1)).toEqual({ number: 2, request });
  });

  test('takes the place of no other request that is read with it, and is judged after it', () => {
    const start = afterStarting(
      initialState(incident({ requests_rollback: false }), []),
      plan(initialState(incident(), [])),
    );
    for (const messages of [
      [proposed(), signals({ requestsRollback: true })],
      [signals({ requestsRollback: true }), proposed()],
    ]) {
      const state = messages.reduce(apply, start);
      const first = plan(state);
      expect(first.mitigate).toEqual({ number: 2, request: { by: 'alert', name: '' } });
      const rest = afterStarting(state, first);
      expect(plan(rest).mitigate).toEqual({ number: 3, request });
      expect(plan(afterStarting(rest, plan(rest))).mitigate).toBeNull();
    }
  });
});

describe('clearing a suspect', () => {
  const cleared = (judge: boolean): Message => ({
    kind: 'cleared',
    by: 'ada',
    change: `chg_${'0'.repeat(26)}` as ChangeId,
    judge,
  });
  const approval = { people: ['bob'], seconds: 600 };
  const lastRequest = (...of: Parameters<typeof plans>) => judgements(plans(...of)).at(-1)?.request;

  test('starts a judgement of the remaining suspects for the same requester', () => {
    const alert = { by: 'alert', name: '' };
    expect(judgements(plans(incident(), cleared(true)))).toEqual([
      { number: 1, request: alert },
      { number: 2, request: alert },
    ]);
    expect(lastRequest(incident({ requests_rollback: false }), cleared(true))).toEqual({ by: 'none', name: '' });
    expect(lastRequest(incident({ mitigations: 3 }), cleared(true))).toEqual(alert);
  });

  test('keeps the cap and the approval set by a runbook', () => {
    const wants: Message = { kind: 'runbook_rollback', runbook: 'bad-deploy', mode: 'approve', approval };
    const requested = { by: 'runbook', name: 'bad-deploy', mode: 'approve', approval };
    expect(lastRequest(incident({ requests_rollback: false }), wants, cleared(true))).toEqual(requested);
  });

  test('does not judge for a person who asked in between', () => {
    const all = [incident(), { kind: 'rollback', by: 'ada', note: '' }, cleared(true)] as const;
    expect(lastRequest(...all)).toEqual({ by: 'alert', name: '' });
  });

  test('starts no judgement while an action is in progress, or another decision is waiting', () => {
    expect(judgements(plans(incident(), cleared(false)))).toHaveLength(1);
  });

  test('starts no judgement for a parent incident', () => {
    const groupReason = { because: 'many', name: 'production', text: '' } as const;
    expect(judgements(plans(incident({ group_reason: groupReason }), cleared(true)))).toEqual([]);
  });

  test('leaves the judgement to a request in the same read', () => {
    const start = afterStarting(initialState(incident(), []), plan(initialState(incident(), [])));
    const both = apply(apply(start, { kind: 'rollback', by: 'bo', note: '' }), cleared(true));
    expect(plan(both).mitigate?.request).toEqual({ by: 'person', name: 'bo' });
  });
});

describe('it closes', () => {
  const closes = (all: readonly Plan[]): boolean => all.at(-1)?.tryResolve !== null;
  const quiet = { firing: 0 };

  test.each([
    ['when the alerts have ended and nothing was done', plans(incident(), quiet), true],
    ['not while an alert fires', plans(incident(), mitigation('succeeded'), verification('passed')), false],
    [
      'when the alerts have ended and the mitigation is verified',
      plans(incident(), mitigation('succeeded'), quiet, verification('passed')),
      true,
    ],
    ['not while that is still to be verified', plans(incident(), mitigation('succeeded'), quiet), false],
    [
      'not when the verification is inconclusive',
      plans(incident(), mitigation('succeeded'), quiet, verification('inconclusive')),
      false,
    ],
    ['not when it has not helped', plans(incident(), mitigation('succeeded'), quiet, verification('failed')), false],
    [
      'when a mitigation came to nothing and the alerts end',
      plans(incident(), mitigation('refused', 'again'), quiet),
      true,
    ],
    [
      'not when a critical alert has fired since a person resolved it',
      plans(incident(), { kind: 'resolve', by: 'ada', note: '' }, signals()),
      false,
    ],
    [
      'when a person resolves it, even if a warning has fired since',
      plans(incident(), { kind: 'resolve', by: 'ada', note: '' }, signals({ critical: false })),
      true,
    ],
    [
      'when a person resolves it, even if alerts still fire',
      plans(incident(), { kind: 'resolve', by: 'ada', note: '' }),
      true,
    ],
  ])('%s', (_, all, expected) => {
    expect(closes(all)).toBe(expected);
  });
});

describe('a runbook that requests a rollback', () => {
  const wants = (more: object = {}): Message => ({
    kind: 'runbook_rollback',
    runbook: 'bad-deploy',
    mode: null,
    ...more,
  });
  const quiet = incident({ requests_rollback: false });
  const approval = { people: ['bob'], seconds: 600 };

  test('starts a judgement with its approval settings', () => {
    expect(judgements(plans(quiet, wants())).at(-1)?.request).toEqual({ by: 'runbook', name: 'bad-deploy' });
    expect(judgements(plans(quiet, wants({ approval }))).at(-1)?.request).toEqual({
      by: 'runbook',
      name: 'bad-deploy',
      approval,
    });
  });

  test('starts none if an alert requested one', () => {
    expect(judgements(plans(incident(), wants({ approval })))).toHaveLength(1);
  });
});

describe('it verifies the mitigation again', () => {
  const looks = (all: readonly Plan[]): (number | null)[] =>
    all.map(({ verify }) => verify?.number ?? null).filter((number) => number !== null);
  const ended = signals({ fired: 0, resolved: 1, critical: false });
  const late: Message = { ...verification('inconclusive'), alerts_fired: true } as Message;

  test.each(['inconclusive', 'failed'] as const)('when the alerts end after the verification was %s', (outcome) => {
    expect(looks(plans(incident(), mitigation('succeeded'), verification(outcome), { firing: 0 }, ended))).toEqual([1]);
  });

  test('when they end between the check and its verdict', () => {
    expect(looks(plans(incident(), mitigation('succeeded'), { firing: 0 }, ended, late))).toEqual([1]);
    expect(looks(plans(incident(), mitigation('succeeded'), late))).toEqual([]);
  });

  test('once, if the message about their end is read only after the verification has started', () => {
    expect(looks(plans(incident(), mitigation('succeeded'), { firing: 0 }, late, ended))).toEqual([1]);
  });

  test('once more, if that verification does not pass either', () => {
    const failed = verification('failed');
    expect(looks(plans(incident(), mitigation('succeeded'), { firing: 0 }, late, ended, failed))).toEqual([1, 1]);
    expect(
      looks(plans(incident(), mitigation('succeeded'), { firing: 0 }, late, ended, verification('passed'))),
    ).toEqual([1]);
  });

  test('even in the next run, after another judgement', () => {
    const before = incident({ status: 'open', verification: 'failed', verifying: { number: 1 }, mitigations: 2 });
    expect(looks(plans(before, { firing: 0 }, ended))).toEqual([1]);
  });

  test('but not while some still fire', () => {
    expect(looks(plans(incident(), mitigation('succeeded'), verification('failed'), ended))).toEqual([]);
  });

  test('but not if it passed', () => {
    expect(looks(plans(incident(), mitigation('succeeded'), verification('passed'), { firing: 0 }, ended))).toEqual([]);
  });
});

/** Simulates the table and the child contexts, as far as closing and paging depend on them. */
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc
    .record({
      fired: fc.integer({ min: 0, max: 2 }),
      resolved: fc.integer({ min: 0, max: 2 }),
      critical: fc.boolean(),
      requestsRollback: fc.boolean(),
    })
    .map(({ critical, ...more }) => signals({ ...more, critical: critical && more.fired > 0 })),
  fc.constantFrom(...Severity.options).map(severity),
  fc
    .tuple(fc.constantFrom(...MitigationOutcome.options), fc.constantFrom(...PageNeed.options))
    .map(([outcome, page]) => mitigation(outcome, page)),
  fc.constantFrom(...VerificationOutcome.options).map(verification),
  fc.constantFrom('ada', 'firebreak').map((by): Message => ({ kind: 'page', by, note: '' })),
  fc.constantFrom<Message[]>(
    { kind: 'rollback', by: 'ada', note: '' },
    { kind: 'pause', by: 'ada', note: '' },
    { kind: 'abort', by: 'ada', note: '' },
    { kind: 'resume', by: 'ada', note: '' },
    { kind: 'resolve', by: 'ada', note: '' },
    { kind: 'answered', decision: 'd', by: 'ada' },
    { kind: 'declared', severity: 'critical', by: 'ada', page: true },
    { kind: 'declared', severity: 'warning', by: 'ada', page: false },
    { kind: 'declared', severity: 'critical', by: 'ada', page: true, child: incident().id },
    left(true),
    left(false),
    { kind: 'cleared', by: 'ada', change: `chg_${'0'.repeat(26)}` as ChangeId, judge: true },
  ),
);

const anyStart: fc.Arbitrary<IncidentRecord> = fc
  .record({
    severity: fc.constantFrom(...Severity.options),
    requests_rollback: fc.boolean(),
    pages: fc.constantFrom(0, 0, 1),
    mitigations: fc.constantFrom(0, 1),
    verification: fc.constantFrom('not_needed' as const, 'pending' as const, 'failed' as const),
    status: fc.constantFrom('open' as const, 'mitigated' as const),
    verifying: fc.constantFrom({ number: 0 }, { number: 1 }),
  })
  .map(incident);

/** Messages as found at each read of the inbox, several at a time. */
const anyLooks = fc.array(fc.array(anyMessage, { maxLength: 4 }), { maxLength: 6 });

type Lived = { states: ResponseState[]; plans: Plan[] };

function live(start: IncidentRecord, looks: readonly (readonly Message[])[]): Lived {
  let state = initialState(start, []);
  const lived: Lived = { states: [], plans: [] };
  for (const mail of [[], ...looks]) {
    for (const message of mail) {
      const change = message.kind === 'signals' ? message.fired - message.resolved : 0;
      state = apply({ ...state, firing: Math.max(0, state.firing + change) }, message);
    }
    const due = plan(state);
    lived.states.push(state);
    lived.plans.push(due);
    state = afterStarting(state, due);
  }
  return lived;
}

describe('for any messages in any order and batches,', () => {
  const always = (
    holds: (lived: Lived, start: IncidentRecord, looks: readonly (readonly Message[])[]) => void,
  ): void => {
    fc.assert(
      fc.property(anyStart, anyLooks, (start, looks) => {
        holds(live(start, looks), start, looks);
      }),
      { numRuns: runs(80) },
    );
  };

  test('pages and judgements are numbered consecutively, and each is started once', () => {
    always(({ plans: all }, start) => {
      expect(pages(all)).toEqual(pages(all).map((_, index) => start.pages + index + 1));
      expect(judgements(all).map(({ number }) => number)).toEqual(
        judgements(all).map((_, index) => start.mitigations + index + 1),
      );
    });
  });

  test('a message that demands a page gets one at the read in which it is found', () => {
    always(({ plans: all }, _start, looks) => {
      for (const [index, mail] of looks.entries()) {
        const demanded = mail.some(
          (message) =>
            (message.kind === 'mitigation' && message.page === 'again') ||
            (message.kind === 'page' && message.by !== 'firebreak'),
        );
        if (demanded) expect(all[index + 1]?.page).not.toBeNull();
      }
    });
  });

  test('a critical incident has paged, or someone had already been paged when it became critical', () => {
    always(({ plans: all }, start, looks) => {
      const critical = (message: Message) =>
        (message.kind === 'signals' && message.critical) ||
        (message.kind === 'severity' && message.severity === 'critical');
      const raised = start.severity !== 'critical' && looks.flat().some(critical);
      const unpaged = start.severity === 'critical' && start.pages === 0;
      if (raised || unpaged) expect(pages(all)).not.toEqual([]);
    });
  });

  test('no page has no reason', () => {
    always(({ plans: all }, start, looks) => {
      const reasons = looks
        .flat()
        .filter(({ kind }) =>
          ['signals', 'severity', 'mitigation', 'verification', 'page', 'left', 'declared'].includes(kind),
        ).length;
      expect(pages(all).length).toBeLessThanOrEqual(
        reasons + (start.severity === 'critical' && start.pages === 0 ? 1 : 0),
      );
    });
  });

  test('it never closes automatically with a firing alert or an unverified mitigation', () => {
    always(({ plans: all, states }) => {
      for (const [index, { tryResolve }] of all.entries()) {
        const state = states[index];
        if (tryResolve === null || tryResolve.by !== null || state === undefined) continue;
        expect(state.firing).toBe(0);
        expect(['not_needed', 'passed']).toContain(state.verification);
      }
    });
  });

  test('a resolution by a person is kept, unless a critical alert fires after it', () => {
    always(({ plans: all }, _start, looks) => {
      const fires = (message: Message) => message.kind === 'signals' && message.critical && message.fired > 0;
      const last = looks.flat().findLast((message) => message.kind === 'resolve' || fires(message));
      if (last?.kind === 'resolve') expect(all.at(-1)?.tryResolve?.by).toBe('ada');
    });
  });

  test('the state is plain data that survives a checkpoint', () => {
    always(({ states }) => {
      expect(JSON.parse(JSON.stringify(states))).toEqual(states);
    });
  });

  test('the order of messages in one read does not affect paging', () => {
    const batch = fc.array(
      anyMessage.filter(
        ({ kind }) => kind !== 'verification' && kind !== 'mitigation' && kind !== 'severity' && kind !== 'resolve',
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(
        anyStart,
        batch.chain((mail) =>
          fc.tuple(fc.constant(mail), fc.shuffledSubarray(mail, { minLength: mail.length, maxLength: mail.length })),
        ),
        (start, [mail, shuffled]) => {
          expect(pages(live(start, [shuffled]).plans)).toEqual(pages(live(start, [mail]).plans));
        },
      ),
      { numRuns: runs(80) },
    );
  });
});

test('a decision to wait is followed by another judgement for the same request', () => {
  const waited: Message = { ...mitigation('waited'), again: true } as Message;
  const found = plans(incident({ requests_rollback: true }), waited);
  expect(judgements(found)).toEqual([1, 2].map((number) => ({ number, request: { by: 'alert', name: '' } })));
});

test('a wait never delays a page, nor causes one', () => {
  fc.assert(
    fc.property(anyStart, anyLooks, fc.nat(20), (start, looks, at) => {
      const waited = [...looks.slice(0, at), [mitigation('waited')], ...looks.slice(at)];
      const paged = (all: readonly Plan[]) => all.map(({ page }) => page);
      const [without, between] = [paged(live(start, looks).plans), paged(live(start, waited).plans)];
      expect(between.filter((_, index) => index !== Math.min(at, looks.length) + 1)).toEqual(without);
    }),
    { numRuns: runs(80) },
  );
});

test('an alert that fires after the mitigation pages again, unless it came with the opening alerts', () => {
  const mitigated = { ...initialState(incident(), []), mitigated: true, paging: true, pageDue: false };
  expect(apply(mitigated, signals({})).pageDue).toBe(true);
  expect(apply(mitigated, signals({ opening: true })).pageDue).toBe(false);
});

test('alerts that join the shared incident of unmatched alerts page again only if they say so', () => {
  const pagesOf = (message: Message) => plans(incident({ pages: 1, severity: 'critical' }), message).at(-1)?.page;
  expect(pagesOf(signals({ pages: true }))).toBeNull();
  expect(pagesOf(signals({ pages: true, again: true }))).toBe(2);
  expect(pagesOf(signals({ pages: false, again: true }))).toBeNull();
});

describe('a new problem after the recovery', () => {
  const isNew = { new_onset: true, pages: true, requestsRollback: true } as const;
  const noticed = (more: Partial<Extract<Message, { kind: 'new_onset' }>> = {}): Message => ({
    kind: 'new_onset',
    judged: 1,
    pages: true,
    ...more,
  });

  test.each([
    ['is judged and pages again', [mitigation('succeeded'), signals(isNew)], [1, 2], [1, 2]],
    [
      'is judged each time, and pages each time',
      [mitigation('succeeded'), signals(isNew), mitigation('not_taken', 'no', 2), signals(isNew)],
      [1, 2, 3],
      [1, 2, 3],
    ],
    ['does not page with a warning', [mitigation('succeeded'), signals({ ...isNew, pages: false })], [1], [1, 2]],
    [
      'is judged once if alerts and measurements report it',
      [mitigation('succeeded'), signals(isNew), noticed()],
      [1, 2],
      [1, 2],
    ],
    [
      'is judged once if measurements and alerts report it',
      [mitigation('succeeded'), noticed(), signals({ pages: true })],
      [1, 2],
      [1, 2],
    ],
    [
      'is judged although a person has just requested a rollback',
      [mitigation('succeeded'), { kind: 'rollback', by: 'ada', note: '' }, noticed()],
      [1, 2],
      [1, 2, 3],
    ],
    ['is not a repeated alert', [mitigation('succeeded'), signals({ fired: 0, requestsRollback: true })], [1], [1]],
  ] as const)('%s', (_, messages, paged, judged) => {
    const all = plans(incident(), ...messages);
    expect(pages(all)).toEqual(paged);
    expect(judgements(all).map(({ number }) => number)).toEqual(judged);
  });

  const stored = { at: NOON, recovered_at: NOON, seq: 5, judged: 1, after: { number: 1 }, pages: 1 } as const;
  const taken = { mitigations: 1, pages: 1, seq: 5, consumed_seq: 5, verifying: { number: 1 }, new_onset: stored };

  test('is judged and pages if the run that read about it has died before', () => {
    const all = plans(incident({ ...taken, verification: 'pending' }));
    expect([pages(all), judgements(all).map(({ number }) => number)]).toEqual([[2], [2]]);
  });

  test.each<[string, Partial<IncidentRecord>, number[], number[]]>([
    ['that has read nothing about it', { consumed_seq: 4 }, [2], [2]],
    ['that has judged it', { mitigations: 2 }, [2], []],
    ['that has paged for it', { pages: 2 }, [], [2]],
    ['that has done both', { mitigations: 2, pages: 2 }, [], []],
  ])('is handled once after a run %s', (_, more, paged, judged) => {
    const open = incident({ ...taken, verification: 'pending', ...more });
    const unread = open.consumed_seq < 5 ? [signals(isNew)] : [];
    const all = plans(open, ...unread);
    expect(pages(all)).toEqual(paged);
    expect(judgements(all).map(({ number }) => number)).toEqual(judged);
  });
});

test('the verdict of a run before the incident was reopened does not keep it open', () => {
  const reopened = incident({
    mitigations: 2,
    pages: 2,
    firing: 1,
    verification: 'not_needed',
    verifying: { number: 1 },
  });
  for (const outcome of ['inconclusive', 'failed'] as const) {
    const all = plans(reopened, verification(outcome), { firing: 0 });
    expect(all.at(-1)?.tryResolve).not.toBeNull();
    expect(pages(all)).toEqual([]);
  }
});

describe('a redeploy by a person', () => {
  const change = `chg_${'1'.repeat(26)}` as ChangeId;
  const redeployed: Message = { kind: 'redeployed', change, number: 1 };
  const verdict = (outcome: VerificationOutcome, more: object = { change }): Message => ({
    kind: 'verification',
    number: 1,
    outcome,
    ...more,
  });
  const judged = incident({ mitigations: 1, pages: 1, firing: 1 });

  test('is verified once, and keeps the incident open until it is', () => {
    const all = plans(judged, redeployed, { firing: 0 }, verdict('passed'));
    expect(all.map(({ redeploys }) => redeploys.map((one) => one.change))).toEqual([[], [change], [], []]);
    expect(all.map(({ tryResolve }) => tryResolve !== null)).toEqual([false, false, false, true]);
  });

  test('that does not help pages, is judged again, and is verified again once no alert fires', () => {
    const all = plans(judged, redeployed, verdict('failed'), signals({ fired: 0, resolved: 1 }), { firing: 0 });
    expect(pages(all)).toEqual([2]);
    expect(judgements(all)).toEqual([{ number: 2, request: { by: 'verification', name: '' } }]);
    expect(all.flatMap(({ verify }) => verify ?? [])).toEqual([]);
    const later = plans(judged, redeployed, verdict('failed'), { firing: 0 }, signals({ fired: 0, resolved: 1 }));
    expect(later.flatMap(({ verify }) => verify ?? [])).toEqual([{ number: 1, runbook: null, change }]);
  });

  test('that replaces what is judged is not judged again after a wait, as another problem is', () => {
    const waited = (number: number): Message => ({ ...mitigation('waited', 'no', number), again: true }) as Message;
    expect(judgements(plans(judged, redeployed, waited(1)))).toEqual([]);
    expect(judgements(plans({ ...judged, mitigations: 2 }, redeployed, waited(2)))).toHaveLength(1);
  });

  test('is not concerned by the verdict about another mitigation, nor another mitigation by its verdict', () => {
    expect(plans(judged, redeployed, { firing: 0 }, verdict('passed', {})).at(-1)?.tryResolve).toBeNull();
    const then = [redeployed, mitigation('succeeded', 'no', 2), { firing: 0 }] as const;
    expect(plans(judged, ...then, verdict('passed')).at(-1)?.tryResolve).toBeNull();
    expect(plans(judged, ...then, verification('passed', 2)).at(-1)?.tryResolve).not.toBeNull();
  });

  test('is verified by the next run, too', () => {
    const stored = incident({
      ...judged,
      status: 'mitigated',
      verification: 'pending',
      verifying: { number: 1, change },
    });
    expect(plans(stored, { firing: 0 }, verdict('passed')).at(-1)?.tryResolve).not.toBeNull();
    expect(plans(stored, { firing: 0 }, verdict('passed', {})).at(-1)?.tryResolve).toBeNull();
  });
});

test('alerts that join let another runbook be selected, except muted ones', () => {
  const started = { ...initialState(incident(), []), runbooks: 1 };
  const runbookAfter = (message: Message) => plan(apply(started, message)).runbook;
  expect(runbookAfter(signals())).toBe(2);
  expect(runbookAfter(signals({ critical: false, muted: true }))).toBeNull();
});
