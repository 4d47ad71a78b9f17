import { describe, expect, test } from 'vitest';
import { isLookedAt, isSeen } from '../../../../core/domain/paging/question-pages.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Handling } from '../../../../schemas/people/response-roles.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';

const after = (seconds: number) => plusSeconds(NOON, seconds);
const by = 'person:ada';

const incident = (handling: Handling = {}, more: Partial<IncidentRecord> = {}): IncidentRecord =>
  ({ pages: 1, handling, ...more }) as IncidentRecord;

const question = (more: Partial<DecisionView> = {}): DecisionView =>
  ({ state: 'waiting', at: NOON, approvals: { needed: 1, given: [] }, ...more }) as unknown as DecisionView;

describe('a question is seen', () => {
  test.each<[string, boolean, DecisionView, IncidentRecord]>([
    ['by nobody', false, question(), incident()],
    ['by nobody, before it expired', false, question({ state: 'expired' }), incident()],
    ['by the person who answered it', true, question({ state: 'rejected' }), incident()],
    ['by the first of two', true, question({ approvals: { needed: 2, given: [by] } }), incident()],
    ['by a person who acknowledged after it', true, question(), incident({ acknowledged: { by, at: after(5) } })],
    [
      'not by a person who acknowledged before it',
      false,
      question(),
      incident({ acknowledged: { by, at: after(-5) } }),
    ],
    [
      'by a person who acknowledged again at the pager',
      true,
      question(),
      incident({ acknowledged: { by, at: after(-5), last_at_pager: { by, at: after(5) } } }),
    ],
    ['by a person who decided something else after it', true, question(), incident({ acted: { by, at: after(5) } })],
    ['by a person who opened its page', true, question(), incident({ seen: { by, at: after(5) } })],
    ['not by a person who opened the page before it', false, question(), incident({ seen: { by, at: after(-5) } })],
    [
      'by a person who took command after it',
      true,
      question(),
      incident({}, { roles: { commander: { name: by, shown: 'Ada', slack: null, at: after(5) } } }),
    ],
  ])('%s: %s', (_, expected, asked, one) => {
    expect(isSeen(asked, [one])).toBe(expected);
  });

  test('by a person who acknowledged the parent incident', () => {
    expect(isSeen(question(), [incident(), incident({ acknowledged: { by, at: after(5) } })])).toBe(true);
  });
});

describe('a question needs no page of its own', () => {
  const page = (at: number, more: Partial<Effect> = {}): Effect =>
    ({ state: 'succeeded', at: after(at), ...more }) as Effect;
  const clock = { now: NOON, timeScale: 1 };
  test.each<[string, boolean, Effect | undefined, IncidentRecord]>([
    ['right after a page', true, page(-30), incident()],
    ['while the page is being sent', true, page(-300, { state: 'intended' }), incident()],
    ['right after an acknowledgement', true, page(-300), incident({ acknowledged: { by, at: after(-30) } })],
    ['right after another decision of a person', true, page(-300), incident({ acted: { by, at: after(-30) } })],
    ['but does minutes after a page', false, page(-300), incident()],
    [
      'but does minutes after an acknowledgement',
      false,
      page(-30),
      incident({ acknowledged: { by, at: after(-300) } }),
    ],
    ['but does when a person resolved the page', false, page(-30), incident({ dismissed: { page: 1, at: NOON } })],
    ['but does without a page', false, undefined, incident()],
    ['but does if the pager refused the page', false, page(-30, { state: 'failed' }), incident()],
  ])('%s: %s', (_, expected, newest, one) => {
    expect(isLookedAt(newest, one, clock)).toBe(expected);
  });
});
