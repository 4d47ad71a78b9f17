import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DECIDE_VERSION } from '../../../../core/domain/rollback/guards.ts';
import { compareCalendars } from '../../decisions/calendar.ts';
import { compare } from '../../decisions/compare.ts';
import { recordedExpectation, runCase } from '../../decisions/expectation.ts';
import { notReplayed } from '../../decisions/freezes.ts';
import { redacted } from '../../../../core/domain/redaction/recording.ts';
import { replay, type Recorded } from '../../decisions/replay.ts';
import { replayIncident } from '../../decisions/replay-incident.ts';
import { markdownReport, textReport } from '../../decisions/report.ts';
import type { Mute } from '../../../../core/domain/alerts/routing.ts';
import { parseMatchers } from '../../../../schemas/alerts/matcher-syntax.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import type { RecordedSignal } from '../../../../schemas/alerts/recorded-signal.ts';
import { type RecordedDecision, RecordedIncident } from '../../recording.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { anyPlain, clear, INCIDENT, inputsOf, NOON } from '../../../../test/core/arbitraries.ts';
import { recordedAlert, recordedDecision, recordedIncident, recordedSignal } from './recordings.ts';
import { runs } from '../../../../test/support/runs.ts';
import { inhibited } from '../../../../test/support/signals.ts';

const after = (seconds: number): Timestamp => plusSeconds(NOON, seconds);

type Written = {
  freeze?: object;
  production?: object;
  checkout?: object;
  services?: object;
  routes?: object;
  runbooks?: object[];
};

/** Builds a policy under which checkout is rolled back automatically. */
function policy({
  freeze = {},
  production = {},
  checkout = {},
  services = {},
  routes = {},
  runbooks = [],
}: Written = {}): Config {
  return Config.parse({
    version: 'test',
    paging: {},
    services: {
      checkout: {
        team: 'payments',
        environments: {
          production: {
            deployer: { kind: 'http', url: 'http://cd.test/rollback' },
            autoRollback: { mode: 'act', evidence: 'time' },
            ...production,
          },
        },
        ...checkout,
      },
      ...services,
    },
    routes,
    freeze,
    runbooks: { version: 'test', runbooks },
  });
}

const BASE = policy();
const NO_TIME = { freezes: 0, seconds: 0 };
const NO_OBJECTIVES = { differences: [], before: NO_TIME, after: NO_TIME, unknown: [] };
const PERIOD = { from: after(-90 * 86_400), until: after(86_400) };
const acted = recordedIncident(BASE, { decisions: [recordedDecision(clear())] });

/** Returns the changes, the unknowns, and the totals between the base policy and another one. */
function difference(recorded: Partial<Recorded>, changed: Config, base = BASE) {
  const all = { incidents: [], alerts: [], ...recorded };
  const { differences, totals, pages } = compare(replay(all, base), replay(all, changed));
  return {
    changes: differences.flatMap((one) => one.changes),
    unknown: differences.flatMap((one) => one.unknown),
    totals,
    pages,
  };
}

type Recording = RecordedIncident['messages'][number]['message'];

/** Messages about everything besides alerts: people, judgements after drift or a late change, questions, runbooks. */
const anyMessage = fc.constantFrom<Recording>(
  { kind: 'severity', severity: 'critical', by: 'person:ada' },
  { kind: 'declared', severity: 'critical', by: 'person:ada', page: true },
  { kind: 'answered', decision: `${INCIDENT}-1`, by: 'person:ada' },
  { kind: 'change_recorded', change: 'chg_1' as never },
  { kind: 'redeployed', change: 'chg_1' as never, number: 1 },
  { kind: 'judge_again', changes: ['chg_1' as never] },
  { kind: 'cleared', by: 'person:ada', change: 'chg_1' as never, judge: true },
  { kind: 'page', by: 'escalation', note: '' },
  { kind: 'pause', by: 'person:ada', note: '' },
  { kind: 'abort', by: 'person:ada', note: '' },
  { kind: 'left', parent: INCIDENT as IncidentId, page: true },
  { kind: 'runbook_rollback', runbook: 'gone', mode: 'approve' },
  { kind: 'runbook', number: 1, acted: true, page: 'page' as never },
  { kind: 'mitigation', number: 1, outcome: 'failed' as never, page: 'page' as never, again: true },
  { kind: 'verification', number: 1, outcome: 'failed' as never },
  { kind: 'resolve', by: 'person:ada', note: '' },
);

/** Evidence of a watched flag, an aborted canary, and a version that the alerts name. */
const anyEvidence = fc.constantFrom<object>(
  {},
  { alert_versions: ['v2'] },
  { aborted_canary: { change_id: 'chg_1', version: 'v2', stable_version: 'v1', reason: 'error ratio' } },
  { strangers_ignored: true },
);

const anyMute = fc.constantFrom<RecordedSignal['muted']>(
  null,
  null,
  ...(['silence', 'maintenance', 'experiment'] as const).map((by) => ({
    by,
    name: 'n',
    until: after(9000),
    reason: '',
  })),
);

const anyIncidents = fc
  .array(
    fc.record({
      plain: fc.option(anyPlain, { freq: 2 }),
      evidence: anyEvidence,
      version: fc.constantFrom(DECIDE_VERSION, DECIDE_VERSION, 10, 3, 999),
      inputs: fc.constantFrom('kept', 'kept', 'kept', 'none', 'broken' as const),
      state: fc.constantFrom('waiting', 'approved', 'rejected', 'expired', 'final' as const),
      at: fc.integer({ min: 0, max: 7200 }),
      severity: fc.constantFrom('critical', 'warning', 'info' as const),
      service: fc.constantFrom('checkout', 'cart', 'unknown-service'),
      mute: anyMute,
      openedBy: fc.constantFrom('alerts', 'alerts', 'alerts', 'person', 'group' as const),
      isChild: fc.boolean(),
      isOpen: fc.boolean(),
      recipients: fc.constantFrom<string[] | undefined>(undefined, ['person:ada']),
      others: fc.array(fc.tuple(fc.integer({ min: 1, max: 600 }), anyMessage), { maxLength: 3 }),
      joins: fc.array(
        fc.record({ seconds: fc.integer({ min: 1, max: 600 }), critical: fc.boolean(), pages: fc.boolean() }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 6 },
  )
  .map((all) =>
    all.map(({ plain, at, severity, service, joins, others, recipients, ...one }, n) => {
      const decision =
        plain === null ? null : recordedDecision(inputsOf({ ...plain, evidence: one.evidence }), 1, after(at + 10));
      const inputs = decision && {
        ...decision.inputs,
        decide_version: one.version,
        ...(one.inputs === 'broken' && { targets: [{}], evidence: {} }),
      };
      const written = [
        ...joins.map(({ seconds, critical, pages }): [number, Recording] => [
          seconds,
          { kind: 'signals', fired: 1, resolved: 0, critical, pages, requestsRollback: false },
        ]),
        ...others,
      ];
      return recordedIncident(BASE, {
        id: `01TEST000000000000000000${10 + n}` as IncidentId,
        opened_at: after(at),
        ...(one.isOpen && { resolved_at: null }),
        opened_by: one.openedBy,
        ...(one.isChild && n > 0 && { parent: '01TEST00000000000000000010' as IncidentId, pages_by_parent: [1] }),
        pages: [{ number: 1, at: after(at), ...(recipients && { recipients }) }],
        signals: [
          recordedSignal({ at: after(at), severity, service: service as never, muted: one.mute }),
          ...joins.map(({ seconds }, m) => recordedSignal({ at: after(at + seconds), fingerprint: `join-${m}` })),
        ],
        messages: written
          .toSorted(([a], [b]) => a - b)
          .map(([seconds, message], seq) => ({ seq: seq + 1, at: after(at + seconds), message })),
        decisions:
          decision === null ? [] : [{ ...decision, state: one.state, inputs: one.inputs === 'none' ? null : inputs }],
      });
    }),
  );

const anyPolicy = fc
  .record({
    mode: fc.constantFrom('act', 'approve', 'suggest', 'shadow'),
    page: fc.boolean(),
    incident: fc.boolean(),
    deployer: fc.boolean(),
    incidents: fc.constantFrom(1, 2, 5),
  })
  .map(({ mode, page, incident, deployer, incidents }) =>
    policy({
      production: {
        ...(!deployer && { deployer: undefined }),
        autoRollback: { mode, evidence: 'time' },
      },
      routes: {
        routes: [{ match: { severity: 'warning' }, page, incident: incident || page }],
        manyAtOnce: { incidents, minutes: 5 },
      },
    }),
  );

describe('a replay', () => {
  test('of any record under the same policy has no difference, and repeats byte for byte', () => {
    fc.assert(
      fc.property(anyIncidents, anyPolicy, (incidents, any) => {
        const recorded = { incidents, alerts: [recordedAlert({}, [after(30), after(4000)])] };
        const [first, again] = [replay(recorded, any), replay(structuredClone(recorded), structuredClone(any))];
        expect(JSON.stringify(again)).toBe(JSON.stringify(first));
        expect(compare(first, again)).toMatchObject({ differences: [], pages: [] });
        // The order in which the record is read does not matter.
        expect(replay({ ...recorded, incidents: incidents.toReversed() }, any)).toEqual(first);
      }),
      { numRuns: runs(60) },
    );
  });

  test('never throws, whatever changes, and describes each difference', () => {
    fc.assert(
      fc.property(anyIncidents, anyPolicy, anyPolicy, (incidents, one, other) => {
        const recorded = { incidents, alerts: [recordedAlert({}, [after(30), after(4000)])] };
        const comparison = compare(replay(recorded, one), replay(recorded, other));
        const calendar = compareCalendars(one, other, PERIOD);
        const subject = { since: '90d', signals: 1, notReplayed: [], calendar, objectives: NO_OBJECTIVES };
        for (const { changes, unknown } of comparison.differences)
          expect(changes.length + unknown.length).toBeGreaterThan(0);
        expect(textReport(comparison, subject).length).toBeGreaterThan(0);
        expect(markdownReport(comparison, subject).join('\n')).not.toContain('undefined');
      }),
      { numRuns: runs(60) },
    );
  });
});

describe('a changed policy', () => {
  test('asks instead of acting, and what follows cannot be known', () => {
    const asks = policy({ production: { autoRollback: { mode: 'approve', evidence: 'time' } } });
    const found = difference({ incidents: [acted] }, asks);
    expect(found.changes).toEqual([
      'decision 1 at 2026-11-20 12:00 UTC asks (v2 → v1) instead of: acts (v2 → v1): automation is in mode approve',
    ]);
    expect(found.unknown).toEqual([
      'cannot be known: what follows after 2026-11-20 12:00 UTC, because it follows from another decision',
    ]);
    expect(found.totals).toMatchObject({ acted: { before: 1, after: 0 }, asked: { before: 0, after: 1 } });
  });

  test('without a deployer does nothing', () => {
    const found = difference({ incidents: [acted] }, policy({ production: { deployer: undefined } }));
    expect(found.changes[0]).toMatch(/does nothing instead of: acts .*no deployer/);
  });

  test('counts the automatic rollbacks that it adds before, so that its own limits hold', () => {
    const shadow = policy({ production: { autoRollback: { mode: 'shadow', evidence: 'time' } } });
    const incidents = [0, 1, 2, 3].map((n) =>
      recordedIncident(shadow, {
        id: `01TEST0000000000000000000${n}` as IncidentId,
        opened_at: after(n * 600),
        signals: [recordedSignal({ at: after(n * 600) })],
        decisions: [recordedDecision(clear({ policy: { mode: 'shadow' } }), 1, after(n * 600 + 10))],
      }),
    );
    const { changes } = difference({ incidents }, BASE, shadow);
    expect(changes.map((text) => /UTC (\w+)/.exec(text)?.[1])).toEqual(['acts', 'acts', 'acts', 'asks']);
  });

  test('with another health query says that nobody asked it, and applies another limit', () => {
    const health = (promql: string, max: number) => policy({ production: { health: { promql, max } } });
    const base = health('a', 0.01);
    const incident = recordedIncident(base, { decisions: [recordedDecision(clear())] });
    expect(difference({ incidents: [incident] }, health('a', 0.05), base).unknown).toEqual([]);
    expect(difference({ incidents: [incident] }, health('b', 0.01), base).unknown).toEqual([
      expect.stringMatching(/^cannot be known: the health query of checkout is another one/),
    ]);
  });

  test('opens no incident, opens it later, and no longer pages', () => {
    const record = { routes: { routes: [{ match: { alertname: 'HighErrorRatio' }, incident: false, page: false }] } };
    const found = difference({ incidents: [acted] }, policy(record));
    expect(found.changes).toEqual([
      'opens no incident',
      'no longer pages on call for payments at 2026-11-20 12:00 UTC',
    ]);
    const joined = recordedSignal({
      at: after(300),
      fingerprint: 'b',
      labels: [
        ['service', 'checkout'],
        ['environment', 'production'],
      ],
    });
    const both = recordedIncident(BASE, {
      signals: [recordedSignal(), joined],
      messages: [
        {
          seq: 1,
          at: after(300),
          message: { kind: 'signals', fired: 1, resolved: 0, critical: true, pages: true, requestsRollback: false },
        },
      ],
    });
    expect(difference({ incidents: [both] }, policy(record)).changes).toEqual([
      'opens 5 min later, at 2026-11-20 12:05 UTC',
      'pages on call for payments at 2026-11-20 12:05 UTC',
      'no longer pages on call for payments at 2026-11-20 12:00 UTC',
    ]);
  });

  test('pages whom the pager notified then, and whoever is on call at other times and in other teams', () => {
    const quiet = policy({ routes: { routes: [{ match: { severity: 'critical' }, page: false, incident: true }] } });
    const pages = [{ number: 1, at: after(5), recipients: ['person:olaf', 'person:ada'] }];
    const paged = recordedIncident(BASE, { pages, responder: 'person:eve' });
    const to = (changed: Config, incident = paged) => difference({ incidents: [incident] }, changed).pages;
    expect(to(quiet)).toEqual([{ to: 'person:ada, person:olaf', hour: '2026-11-20T12:00Z', before: 1, after: 0 }]);
    const handed = policy({ checkout: { team: 'sales' } });
    expect(to(handed).map((one) => [one.to, one.after])).toEqual([
      ['on call for sales', 1],
      ['person:ada, person:olaf', 0],
    ]);
    const unknown = recordedIncident(BASE, { responder: 'person:eve' });
    expect(to(quiet, unknown)[0]?.to).toBe('on call for payments (person:eve responded)');
    const night = recordedIncident(BASE, { pages: [{ number: 1, at: after(7200), recipients: ['person:ada'] }] });
    expect(to(quiet, night)[0]?.to).toBe('on call for payments');
    expect(JSON.stringify(redacted(paged))).not.toContain('person:');
  });

  test('freezes deploys during incidents, and says which changed parts are not replayed', () => {
    const freezes = policy({ freeze: { defaults: { incidents: 'critical' } } });
    const quiet = recordedIncident(BASE);
    expect(difference({ incidents: [quiet] }, freezes).changes).toEqual([
      'freezes deploys of checkout in production from 2026-11-20 12:00 UTC, for 15 min',
    ]);
    expect(difference({ incidents: [quiet] }, BASE, freezes).changes).toEqual([
      'no longer freezes deploys of checkout in production',
    ]);
    expect(difference({ incidents: [quiet] }, freezes).totals.freezes).toEqual({ before: 0, after: 1 });
    expect(notReplayed(BASE, freezes)).toEqual([]);
    // Budgets and burn rates are replayed by the counts of the objectives.
    const strict = { budget: { freeze: 0.9 }, burn: 'ticket', minimumMinutes: 60, stale: { afterMinutes: 5 } };
    expect(notReplayed(BASE, policy({ freeze: { defaults: strict } }))).toEqual([]);
    expect(notReplayed(BASE, policy({ freeze: { policies: [{ match: { team: 'payments' }, ...strict }] } }))).toEqual(
      [],
    );
    const deploys = policy({ freeze: { policies: [{ match: { team: 'payments' }, passes: ['hotfix'] }] } });
    expect(notReplayed(BASE, deploys)).toEqual([expect.stringMatching(/^changed, but not replayed: who may deploy/)]);
    const many = policy({ routes: { manyAtOnce: { incidents: 2, minutes: 5 } } });
    expect(notReplayed(BASE, many)).toEqual([expect.stringContaining('manyAtOnce')]);
  });

  test('freezes by the calendar: which begin, which no longer, and which end at another time', () => {
    const weekends = {
      name: 'Weekends',
      teams: ['payments'],
      rrule: 'FREQ=WEEKLY;BYDAY=SA',
      start: '2026-09-05T00:00',
      duration: 'P2D',
      timeZone: 'UTC',
    };
    const launch = { name: 'Launch', from: '2026-11-10T08:00:00Z', until: '2026-11-10T20:00:00Z' };
    const calendar = (...entries: object[]) => policy({ freeze: { calendar: entries } });
    const both = calendar(weekends, launch);
    const period = { from: '2026-11-01T00:00:00.000Z' as Timestamp, until: '2026-11-20T12:00:00.000Z' as Timestamp };
    const found = compareCalendars(calendar(weekends), both, period);
    expect(found).toMatchObject({
      differences: [{ scope: 'all services', from: '2026-11-10T08:00:00.000Z', before: null }],
      before: { freezes: 2, seconds: 2 * 2 * 86_400 },
      after: { freezes: 3, seconds: 2 * 2 * 86_400 + 12 * 3600 },
    });
    const longer = calendar(weekends, { ...launch, until: '2026-11-11T08:00:00Z' });
    const nothing = { incidents: [], alerts: [] };
    const report = (before: Config, changed: Config) =>
      textReport(compare(replay(nothing, before), replay(nothing, changed)), {
        since: '30d',
        signals: 0,
        notReplayed: notReplayed(before, changed),
        calendar: compareCalendars(before, changed, period),
        objectives: NO_OBJECTIVES,
      });
    expect(report(both, longer)).toEqual([
      'No difference in 0 incidents with 0 alerts of the last 30d, 1 difference in freezes by the calendar',
      '',
      'Freezes by the calendar:',
      '  freezes all services from 2026-11-10 08:00 UTC, for 24 h 0 min instead of 12 h 0 min (Launch)',
      '  freezes by the calendar: 3 before (108 h 0 min), 3 after (120 h 0 min)',
    ]);
    expect(report(both, calendar(launch)).slice(3, 5)).toEqual([
      '  no longer freezes services of payments from 2026-11-07 00:00 UTC (Weekends)',
      '  no longer freezes services of payments from 2026-11-14 00:00 UTC (Weekends)',
    ]);
    // Names, reasons, and the order of entries do not freeze anything.
    expect(report(both, calendar({ ...launch, name: 'Keynote' }, weekends))).toHaveLength(1);
  });

  test('is muted by its maintenance windows and by the silences of the time', () => {
    const window = { name: 'move', match: {}, from: '2026-11-20T11:00:00Z', until: '2026-11-20T13:00:00Z' };
    const found = difference({ incidents: [acted] }, policy({ routes: { maintenance: [window] } }));
    expect(found.changes).toContain('opens no incident');
    const muted = { by: 'silence' as const, name: 's-1', until: null, reason: 'disks' };
    const silenced = recordedIncident(BASE, { signals: [recordedSignal({ muted })] });
    expect(replay({ incidents: [silenced], alerts: [] }, BASE)[0]?.opened_at).toBeNull();
  });

  test('pages for alerts that opened no incident, by person and hour, and knows no decision for them', () => {
    const pages = policy({ routes: { routes: [{ match: { severity: 'warning' }, page: true }] } });
    const found = difference({ alerts: [recordedAlert({}, [after(7200), NOON])] }, pages);
    expect(found.changes).toEqual([
      'opens an incident at 2026-11-20 12:00 UTC',
      'pages on call for payments at 2026-11-20 12:00 UTC',
      'opens an incident at 2026-11-20 14:00 UTC',
      'pages on call for payments at 2026-11-20 14:00 UTC',
    ]);
    expect(new Set(found.unknown)).toEqual(
      new Set(['cannot be known: the decision, because no evidence was collected for this alert']),
    );
    expect(found.pages).toEqual([
      { to: 'on call for payments', hour: '2026-11-20T12:00Z', before: 0, after: 1 },
      { to: 'on call for payments', hour: '2026-11-20T14:00Z', before: 0, after: 1 },
    ]);
  });

  test('opens an incident earlier, by an alert that was only recorded', () => {
    const pages = policy({ routes: { routes: [{ match: { severity: 'warning' }, page: true }] } });
    const alert = recordedAlert({ fingerprint: 'slow', ends_at: after(600) }, [after(-240)]);
    const found = difference({ incidents: [acted], alerts: [alert] }, pages);
    expect(found.changes).toEqual(
      expect.arrayContaining([
        'opens 4 min earlier, at 2026-11-20 11:56 UTC',
        'pages on call for payments at 2026-11-20 11:56 UTC',
      ]),
    );
    expect(found.unknown).toContain(
      'cannot be known: the decision at the earlier opening, because no evidence was collected then',
    );
  });

  test('runs a runbook that matches, and judges its request by the evidence of the time', () => {
    const runbook = Runbook.parse({
      name: 'roll-back-first',
      file: 'roll-back-first.md',
      version: 'f'.repeat(64),
      title: 'Roll back first',
      match: { any: [[]] },
      steps: [{ id: 'back', uses: 'rollback', with: {}, timeout: '10m' }],
      lines: {},
      body: '',
    });
    const none = recordedIncident(BASE, {
      decisions: [recordedDecision(clear({ request: { by: 'none', name: '' } }))],
    });
    const found = difference({ incidents: [none] }, policy({ runbooks: [runbook] }));
    expect(found.changes).toEqual([
      expect.stringMatching(/^decision 2 at .* acts \(v2 → v1\) instead of: no decision/),
      'runs the runbook roll-back-first',
    ]);
  });

  test('runs no runbook for an alert that joined while it was muted', () => {
    const runbook = Runbook.parse({
      name: 'for-basket',
      file: 'for-basket.md',
      version: 'f'.repeat(64),
      title: 'For the basket',
      match: { any: [parseMatchers('alertname="Basket"')] },
      steps: [{ id: 'told', uses: 'note', with: { text: 'x' } }],
      lines: {},
      body: '',
    });
    const changesWith = (muted: Mute | null) => {
      const basket = { at: after(60), fingerprint: 'basket', labels: [['alertname', 'Basket']] as never, muted };
      const another = { at: after(120), fingerprint: 'another' };
      const message = { kind: 'signals' as const, fired: 1, resolved: 0, critical: false, requestsRollback: false };
      const recorded = recordedIncident(BASE, {
        signals: [recordedSignal(), recordedSignal(basket), recordedSignal(another)],
        messages: [
          { seq: 1, at: after(60), message: { ...message, ...(muted && { muted: true as const }) } },
          { seq: 2, at: after(120), message },
        ],
      });
      return difference({ incidents: [recorded] }, policy({ runbooks: [runbook] })).changes;
    };
    expect(changesWith(null)).toContain('runs the runbook for-basket');
    expect(changesWith(inhibited)).not.toContain('runs the runbook for-basket');
    // Maintenance windows belong to the policy, and this one has none.
    expect(changesWith({ ...inhibited, by: 'maintenance' })).toContain('runs the runbook for-basket');
  });

  test('is reported in Markdown in which alerts cannot add markup', () => {
    const title = 'x` | <b>@ops</b> #1\n\n# big';
    const incident = recordedIncident(BASE, { title, signals: [recordedSignal({ title })] });
    const record = policy({
      routes: { routes: [{ match: { alertname: 'HighErrorRatio' }, incident: false, page: false }] },
    });
    const recorded = { incidents: [incident], alerts: [] };
    const text = markdownReport(compare(replay(recorded, BASE), replay(recorded, record)), {
      since: '7d',
      signals: 1,
      notReplayed: [],
      calendar: compareCalendars(BASE, record, PERIOD),
      objectives: NO_OBJECTIVES,
    });
    expect(text.join('\n')).toContain('``01TEST00000000000000000001: checkout production: x` | <b>@ops</b> #1 # big``');
    expect(text.some((line) => line.startsWith('# '))).toBe(false);
  });
});

describe('an exported incident', () => {
  /** Replaces the person that a reason names: an exported incident has a placeholder. */
  const nameless = (outcome: ReturnType<typeof replayIncident>): typeof outcome =>
    JSON.parse(
      JSON.stringify(outcome).replaceAll(/\b(?:ada|person-\d+)(?= requested it)/g, 'someone'),
    ) as typeof outcome;

  test('has no people, addresses, and secrets, and the same outcome', () => {
    fc.assert(
      fc.property(anyIncidents, anyPolicy, (incidents, any) => {
        for (const one of incidents) {
          const { title: _title, pages, ...outcome } = nameless(replayIncident(redacted(one), any));
          const original = nameless(replayIncident(one, any));
          expect(original).toMatchObject(outcome);
          expect(original.pages.map(({ at }) => at)).toEqual(pages.map(({ at }) => at));
        }
      }),
      { numRuns: runs(30) },
    );
    const secrets =
      'ada@example.com 10.0.0.7 https://u:p@db.internal/x?token=abc password=hunter2 Bearer abcdefgh12345 ghp_abcdefgh12345';
    const file = redacted(
      recordedIncident(BASE, {
        title: secrets,
        responder: 'person:ada',
        signals: [recordedSignal({ sender: 'token:prometheus', annotations: [['summary', secrets]] })],
        messages: [{ seq: 1, at: NOON, message: { kind: 'resolve', by: 'person:ada', note: 'Ada fixed it' } }],
      }),
    );
    expect(JSON.stringify(file)).not.toMatch(/ada|Ada|10\.0\.0|internal|hunter2|abcdefgh|prometheus/);
    expect(file.responder).toBe(file.messages[0]?.message.kind === 'resolve' ? file.messages[0].message.by : '');
  });

  test('has no secrets under hostile names and in hostile texts, and keeps versions apart', () => {
    const secret = 'hunter2hunter2';
    const hostile = [
      `PASSWORD="${secret} with spaces"`,
      `db_password=${secret}`,
      `AWS_SECRET_ACCESS_KEY=${secret}/K7`,
      `{"client_secret":"${secret}"}`,
      JSON.stringify(JSON.stringify({ db_password: `${secret} with spaces` })),
      `mysqldump --password ${secret} --db-password "${secret} with spaces"`,
      `postgres://user:${secret}@db/x`,
      `redis://:${secret}@cache`,
      `-----BEGIN RSA PRIVATE KEY-----\n${secret}`,
      `curl -u admin:${secret} -H 'x-api-key: ${secret}'`,
      `sk_live_${secret} npm_${secret.repeat(3)} xapp-1-A0123456789-${secret.repeat(2)} AIza${secret}`,
      `SG.${secret}${'x'.repeat(8)}.${secret.repeat(3)}x`,
      'from 2001:db8::ff00:42:8329 and fe80::1ff:fe23:4567:890a',
    ];
    const labels = ['password', 'db_token', 'api_key', 'x-cookie'].map((name): [string, string] => [name, secret]);
    const annotations = hostile.map((text, n): [string, string] => [`note ${n} of ada@example.com`, text]);
    const routed: [string, string][] = [
      ['__proto__', 'x'],
      ['version', '10.1.2.3'],
      ['path', 'std::vector'],
      ['at', '12:00:00'],
    ];
    const versions = { from: '10.1.2.3', to: '10.1.2.4' };
    const decision = { ...recordedDecision(clear()), ...versions } as RecordedDecision;
    const file = redacted(
      recordedIncident(BASE, {
        title: hostile.join(' '),
        signals: [recordedSignal({ labels: [...labels, ...routed], annotations })],
        decisions: [decision],
      }),
    );
    expect(JSON.stringify(file)).not.toMatch(/hunter2|ada@|2001:db8|fe80/);
    expect(file.signals[0]?.labels.slice(-4)).toEqual(routed);
    expect(file.decisions[0]).toMatchObject(versions);
    // Long texts are redacted in linear time.
    for (const text of ['a.', 'a-', 'a@', '://', 'token ', '-----BEGIN PRIVATE KEY-----', ':a'])
      redacted({ text: text.repeat(20_000) });
  });

  test('passes as a test case with what happened, and names what a policy does differently', () => {
    const file = redacted({ ...acted, expect: recordedExpectation(acted) });
    expect(runCase(file, BASE)).toEqual({ failures: [], unknown: [] });
    const asks = policy({ production: { autoRollback: { mode: 'approve', evidence: 'time' } } });
    expect(runCase(file, asks).failures).toEqual(['decision 1: expected "roll_back", but the policy gives "approve"']);
    const edited = { ...file, expect: { decisions: { 1: 'approve' as const } } };
    expect(runCase(edited, asks).failures).toEqual([]);
    const { expect: _expect, ...without } = file;
    for (const nothing of [without, { ...file, expect: {} }])
      expect(runCase(nothing, BASE).failures).toEqual(['it has no "expect", so nothing is checked']);
  });

  test('that an earlier version wrote keeps all fields, and passes with what happened', () => {
    const file = JSON.parse(readFileSync(new URL('../fixtures/incident.json', import.meta.url), 'utf8')) as object;
    const incident = RecordedIncident.parse(file);
    expect(incident).toMatchObject(file);
    const asks = policy({ production: { autoRollback: { mode: 'approve', evidence: 'time' } } });
    const expected = { ...incident, expect: recordedExpectation(incident) };
    expect(runCase(expected, asks)).toEqual({ failures: [], unknown: [] });
  });

  test('of an older version of the rules says what they gave, and inputs that lack something stop nothing', () => {
    const older = (version: number, more: object = {}, kind = acted.decisions[0]?.kind) => {
      const [decision] = acted.decisions;
      const inputs = { ...decision?.inputs, decide_version: version, ...more };
      return redacted({ ...acted, decisions: [{ ...decision, kind, inputs } as RecordedDecision] });
    };
    const run = (file: RecordedIncident) => runCase({ ...file, expect: recordedExpectation(file) }, BASE);
    expect(run(older(1))).toEqual({ failures: [], unknown: [] });
    expect(run(older(10, {}, 'approve'))).toEqual({
      failures: ['decision 1: expected "approve", but the policy gives "roll_back"'],
      unknown: [
        `decision 1 was made by version 10 of the rules, which gave approve; version ${DECIDE_VERSION} gives roll_back for the same inputs`,
      ],
    });
    expect(run(older(999)).unknown).toEqual([expect.stringContaining('use a newer firebreak')]);
    const broken = older(3, { evidence: {} });
    expect(run(broken).unknown).toEqual([expect.stringMatching(/^cannot be known: decision 1 was made by version 3/)]);
    // The other incidents are compared, and the same record gives no difference.
    const asks = policy({ production: { autoRollback: { mode: 'approve', evidence: 'time' } } });
    const other = { ...acted, id: `${acted.id.slice(0, -1)}9` as IncidentId };
    expect(difference({ incidents: [broken, other] }, BASE)).toMatchObject({ changes: [], unknown: [] });
    expect(difference({ incidents: [broken, other] }, asks).totals.asked).toEqual({ before: 0, after: 1 });
  });
});
