import { expect, test } from 'vitest';
import { draftOf } from '../../decisions/draft.ts';
import type { DraftInput } from '../../decisions/record.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { INCIDENT, NOON } from '../../../../test/core/arbitraries.ts';

const entry = (kind: string, at: Timestamp) => ({
  position: kind,
  entry: { at, actor: 'firebreak', kind, text: kind, detail: null },
});

const END = plusSeconds(NOON, 600);

const draftWith = (confidence: number): string =>
  draftOf(
    {
      incident: {
        id: INCIDENT,
        service: 'checkout',
        environment: 'production',
        title: 'Errors',
        severity: 'critical',
        status: 'resolved',
        resolved_by: null,
        opened_at: NOON,
        resolved_at: END,
        roles: {},
      },
      timeline: [entry('incident.opened', NOON), entry('incident.resolved', END)],
      decisions: [],
      effects: [],
      signals: [],
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
          causes: [{ suspect: { change_id: 'chg_1', version: 'v42', confidence, reasons: ['near'] }, change: null }],
          evidence: null,
        },
      ],
      curve: [],
      packs: [],
      budgets: [],
      requests: null,
      impact: [],
      team: 'payments',
      people: new Map(),
      names: 'roles',
      dueDays: 14,
    } as unknown as DraftInput,
    END,
  ).markdown;

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
