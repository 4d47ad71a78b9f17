import { expect, test } from 'vitest';
import { canonicalJson, sha256 } from '../../../core/stores/hash.ts';
import { differences, type Inputs } from '../cli/replay.ts';
import type { QuestionInputs } from '../../../core/domain/runbooks/permission.ts';
import { DecisionView } from '../../../schemas/incidents/incident.ts';

const ID = '0'.repeat(26);

const question: QuestionInputs = {
  runbook: 'asks',
  title: 'Ask',
  version: '1',
  step: 'off',
  only_asks: false,
  guards: {
    service: 'checkout',
    matched: true,
    guard: { state: 'read', paused: false },
    incident_paused: false,
    one_of_many: false,
    demoted: false,
    modes: ['approve'],
    requires_approval: false,
  },
};

const stored = (inputs: Inputs, more: Partial<DecisionView> = {}) =>
  DecisionView.parse({
    id: `${ID}-1`,
    kind: 'approve',
    because: 'mode_approve',
    at: '2026-11-20T12:00:00.000Z',
    digest: sha256(canonicalJson(inputs)),
    state: 'waiting',
    from_version: null,
    to_version: null,
    reasons: [{ code: 'mode_approve', text: 'automation is in mode approve' }],
    answered_by: null,
    ...more,
  });

test('a question with the same reasons has no differences', () => {
  expect(differences(ID, 1, stored(question), question)).toEqual([]);
});

test('a question that is no longer necessary differs', () => {
  const now: QuestionInputs = { ...question, guards: { ...question.guards, modes: ['act'] } };
  expect(differences(ID, 1, stored(question), now)).toEqual([
    expect.stringMatching(/^reasons: \[.*\] then, \[\] now$/),
  ]);
});
