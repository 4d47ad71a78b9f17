import { expect, test } from 'vitest';
import { draftOf } from '../../decisions/draft.ts';
import { withProbableCauses } from '../../decisions/drafting.ts';
import type { DraftInput } from '../../decisions/record.ts';
import { clockSpan, durationWords, spanWords } from '../../decisions/words.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { ChangeId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { change, INCIDENT, NOON } from '../../../../test/core/arbitraries.ts';

const entry = (kind: string, at: Timestamp) => ({
  position: kind,
  entry: { at, actor: 'firebreak', kind, text: kind, detail: null },
});

const END = plusSeconds(NOON, 600);

const BUDGET = {
  id: 'checkout',
  title: 'Checkout',
  from: plusSeconds(NOON, -300),
  until: plusSeconds(NOON, 600),
  unit: 'requests',
  errors: 40,
  events: 100,
  share: 0.1,
};

const draftWith = (confidence: number, more = {}): string => draftedWith(confidence, more).markdown;

const draftedWith = (
  confidence: number,
  {
    isOver = true,
    more = [] as unknown[],
    decisions = [] as unknown[],
    changed = '',
    requests = null as DraftInput['requests'],
    problem = {},
    handling = {},
    changes = [] as Change[],
  } = {},
) =>
  draftOf(
    {
      incident: {
        id: INCIDENT,
        service: 'checkout',
        environment: 'production',
        title: 'Errors',
        handling,
        severity: 'critical',
        status: isOver ? 'resolved' : 'mitigated',
        resolved_by: null,
        opened_at: NOON,
        resolved_at: isOver ? END : null,
        ...('recovered_at' in problem && { recovered_at: problem.recovered_at }),
        roles: {},
      },
      timeline: [
        entry('incident.opened', NOON),
        entry('mitigation.succeeded', plusSeconds(NOON, 120)),
        ...more,
        ...(isOver ? [entry('incident.resolved', END)] : []),
      ],
      decisions,
      effects: [],
      signals: [],
      members: [],
      problems: [
        {
          number: 1,
          at: NOON,
          until: null,
          judgedBefore: 0,
          notBefore: null,
          verification: 'not_needed',
          suspects: [],
          judged: 0,
          causes: [
            {
              suspect: {
                change_id: 'chg_1',
                version: 'v42',
                confidence,
                reasons: ['near'],
                ...(changed && { service: changed }),
              },
              change: changed
                ? {
                    id: 'chg_1',
                    kind: 'deploy',
                    previous_version: null,
                    version: 'v42',
                    service: changed,
                    environment: 'production',
                    started_at: NOON,
                    finished_at: null,
                  }
                : null,
            },
          ],
          evidence: null,
          failing: [],
          ...problem,
        },
      ],
      changes,
      curve: [],
      packs: [],
      budgets: [BUDGET],
      requests,
      impact: [],
      team: 'payments',
      people: new Map(),
      names: 'roles',
      dueDays: 14,
    } as unknown as DraftInput,
    END,
  );

test('a suspect that is less probable than not is no cause: not in the title, the questions, or the action items', () => {
  const proved = draftWith(0.9);
  expect(proved).toContain('# checkout failed deployment');
  expect(proved).toContain('The probable cause is the deployment of v42');
  expect(proved).toContain('a failure such as that of v42');
  const near = draftWith(0.15);
  expect(near).toContain('# checkout outage');
  expect(near).not.toContain('probable cause');
  expect(near).not.toContain('v42');
});

test('a change that was rolled back is named as the cause unless it is improbable', () => {
  const suspected = (confidence: number): DraftInput['problems'][number]['causes'][number] => ({
    suspect: { change_id: 'chg_1' as ChangeId, version: 'v42' as Version, confidence, reasons: [] },
    change: { ...change('v42', 5), rolled_back_by: INCIDENT },
  });
  const problem = { at: NOON } as DraftInput['problems'][number];
  const record = (confidence: number) =>
    ({
      incident: { id: INCIDENT },
      problems: [{ ...problem, causes: [suspected(confidence)] }],
    }) as unknown as DraftInput;
  expect(withProbableCauses(record(0.3)).problems[0]?.causes).toHaveLength(1);
  expect(withProbableCauses(record(0.002)).problems[0]?.causes).toEqual([]);
});

test('the end of a problem is cited from the entry that says since when it is over', () => {
  const at = (seconds: number): Timestamp => plusSeconds(NOON, seconds);
  const refsOf = (more: unknown[], kind: string) => {
    const { markdown, facts } = draftedWith(0.9, { more, problem: { recovered_at: at(180) } });
    const cited = facts.citations.find(({ id }) => id === kind)?.ref;
    expect(cited).toBeDefined();
    return [/service was restored at 12:03 \[E\d+, (E\d+)\]/.exec(markdown)?.[1], cited];
  };
  const resolved = entry('alerts.resolved', at(480));
  const [restored, said] = refsOf([entry('incident.recovered', at(210)), resolved], 'incident.recovered');
  expect(restored).toBe(said);
  const [verified, passed] = refsOf([entry('verification.passed', at(240)), resolved], 'verification.passed');
  expect(verified).toBe(passed);
  const [ended, last] = refsOf(
    [entry('incident.recovered', at(100)), entry('alerts.resolved', at(180))],
    'alerts.resolved',
  );
  expect(ended).toBe(last);
});

test('the draft of an incident that is open says so, and claims no end', () => {
  const draft = draftWith(0.9, { isOver: false });
  expect(draft).toContain('**Open:** 10 minutes so far, since 2026-11-20 12:00 UTC');
  expect(draft).toContain('The incident is still open, 10 minutes after the first alert');
  expect(draft).toContain('It was mitigated at 12:02');
  expect(draft).toContain('When was the service restored? The incident is still open.');
  expect(draft).not.toMatch(/was resolved|was closed|restored at|time to restore:/i);
  expect(draft).toContain('About 40 of 100 requests failed from 11:55 to 12:10, by the objective Checkout');
  expect(draftedWith(0.9, { isOver: false }).facts.times).toMatchObject({
    restored_at: null,
    resolved_at: null,
    to_restore_seconds: null,
    duration_seconds: 600,
  });
  const over = draftWith(0.9);
  expect(over).toContain('About 40 of 100 requests failed from 11:55 to 12:10, by the objective Checkout');
  expect(draftedWith(0.9).facts.times).toMatchObject({ restored_at: END, resolved_at: END, to_restore_seconds: 600 });
  expect(over).toContain('**Time to restore:** 10 minutes\n- **Open:** from 2026-11-20 12:00 to 12:10 UTC');
  expect(over).toContain('The time to restore was 10 minutes, and the incident was resolved at 12:10 UTC');
});

test('a span names its days once, and its time once within one minute', () => {
  const at = (time: string): Timestamp => `2026-11-${time}:05.000Z` as Timestamp;
  expect(spanWords(at('20T12:00'), at('20T12:10'))).toBe('from 2026-11-20 12:00 to 12:10 UTC');
  expect(spanWords(at('20T12:00'), at('21T00:10'))).toBe('from 2026-11-20 12:00 to 2026-11-21 00:10 UTC');
  expect(spanWords(at('20T12:00'), at('20T12:00'))).toBe('at 2026-11-20 12:00 UTC');
  expect(clockSpan(at('20T12:00'), at('20T12:10'))).toBe('from 12:00 to 12:10');
  expect(clockSpan(at('20T12:00'), at('20T12:00'))).toBe('at 12:00');
});

test('an approval took the time from its own question, not from one that was withdrawn before', () => {
  const asked = (number: number, state: string) => ({
    id: `${INCIDENT}-${number}`,
    kind: 'approve',
    state,
    at: plusSeconds(NOON, 60 * number),
    approvals: { needed: 1, given: [] },
    reasons: [],
    because: 'suspect',
  });
  const row = (number: number) => ({
    position: `d${number}`,
    entry: {
      at: plusSeconds(NOON, 60 * number),
      actor: 'firebreak',
      kind: 'decision',
      text: 'Roll back?',
      detail: { decision: `${INCIDENT}-${number}` },
    },
  });
  const more = [row(1), row(7), entry('decision.approved', plusSeconds(NOON, 7.5 * 60))];
  const decisions = [asked(1, 'withdrawn'), asked(7, 'approved')];
  expect(draftWith(0.9, { more, decisions })).not.toContain('The approval took');
  expect(draftWith(0.9, { more, decisions: [asked(1, 'approved')] })).toContain('The approval took 7 minutes');
});

test('a change of another service is named with it, and no team of this one owns what prevents it', () => {
  const draft = draftWith(0.9, { changed: 'pricing' });
  expect(draft).toMatch(/^# checkout failed deployment of pricing — /m);
  expect(draft).toMatch(/such as that of pricing v42 before production \((?!owner)/);
  expect(draftWith(0.9)).toMatch(/such as that of v42 before production \(owner: payments/);
  const over = (service: string) =>
    draftWith(0.9, { changed: 'pricing', changes: [change('v43', -1, { service: service as ServiceName })] });
  expect(over('pricing')).toContain('v43 was deployed over it');
  expect(over('checkout')).not.toContain('over it');
});

test('requests are counted by samples rather than by objectives, whose periods are longer', () => {
  const requests = { query: 'errors', from: NOON, until: END, share: 0.5, counts: { failed: 90, all: 180 } };
  const draft = draftWith(0.9, { requests });
  expect(draft).toContain('About 90 of 180 requests failed (50 %) from 12:00 to 12:10, by samples of errors');
  expect(draft).not.toContain('by the objective Checkout');
  expect(draft).toContain('10 % of the error budget of Checkout was spent from 11:55 to 12:10');
});

test('the first answer or acknowledgement of a person counts, not a later one, nor what nobody objected to', () => {
  const by = (actor: string, kind: string, seconds: number) => {
    const { entry: own, position } = entry(kind, plusSeconds(NOON, seconds));
    return { position: `${position} ${seconds}`, entry: { ...own, actor } };
  };
  const more = [
    by('firebreak', 'decision.approved', 30),
    by('person:ada', 'decision.approved', 60),
    by('person:ada', 'incident.acknowledged', 300),
  ];
  const handling = { acknowledged: { at: plusSeconds(NOON, 300), by: 'person:ada' } };
  const { facts, markdown } = draftedWith(0.9, { more, handling });
  expect(facts.times).toMatchObject({ acknowledged_at: plusSeconds(NOON, 60), to_acknowledge_seconds: 60 });
  expect(markdown).toContain('Time to acknowledge: 60 seconds');
});

test.each([
  [94, '94 seconds'],
  [120, '2 minutes'],
  [5400, '1 hour 30 minutes'],
])('a duration of %d s is written as "%s"', (seconds, words) => expect(durationWords(seconds)).toBe(words));
