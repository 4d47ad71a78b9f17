import { describe, expect, test } from 'vitest';
import { attending, attentionOf, countOf } from '../../../../core/domain/incidents/attention.ts';
import { blankIncident } from '../../../../core/domain/incidents/new-incident.ts';
import type { IncidentSummary } from '../../../../core/domain/ports/incidents.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';

const NOW = '2026-11-20T12:00:00.000Z' as Timestamp;
const EARLIER = plusSeconds(NOW, -3600);

const incident = (more: Partial<IncidentSummary> = {}): IncidentSummary => ({
  ...blankIncident,
  id: '01J0000000000000000000000A' as IncidentId,
  service: 'checkout' as ServiceName,
  environment: 'production' as EnvironmentName,
  title: 'It fails',
  severity: 'critical',
  opened_at: EARLIER,
  mitigations: 1,
  questions: 0,
  ...more,
});

const acknowledged = { handling: { acknowledged: { by: 'ada', at: NOW, page: 1 } } };
const contradiction = {
  page_contradiction: {
    kind: 'shown_operational' as const,
    components: ['Checkout'],
    since: plusSeconds(NOW, -600),
    seen: NOW,
    over: false,
    earlier_seconds: 0,
  },
};

const verified = { status: 'mitigated', verification: 'passed' } as const;
const onset = { at: EARLIER, recovered_at: EARLIER, seq: 2, judged: 1, after: { number: 1 } };

describe('what an open incident needs', () => {
  test.each<[string, Partial<IncidentSummary>, string]>([
    ['a question waits', { questions: 1, pages: 1, ...acknowledged }, 'approval'],
    ['a question has no effect while automation is paused', { questions: 1, automation_paused: true }, 'unattended'],
    ['nobody has acknowledged its page', { pages: 1 }, 'unacknowledged'],
    ['automation works, and nobody has acknowledged', { pages: 1, status: 'mitigating' }, 'unacknowledged'],
    ['a later page needs another acknowledgment', { pages: 2, ...acknowledged }, 'unacknowledged'],
    ['the mitigation failed, and paged again', { pages: 2, verification: 'failed', ...acknowledged }, 'failed'],
    [
      'the mitigation failed, and a person has acknowledged the only page',
      { pages: 1, verification: 'failed', ...acknowledged },
      'in-progress',
    ],
    ['the status page contradicts the SLI', { pages: 1, ...acknowledged, ...contradiction }, 'contradiction'],
    ['a person has it', { pages: 1, ...acknowledged }, 'in-progress'],
    [
      'a commander has it',
      { roles: { commander: { name: 'ada', shown: 'Ada', slack: null, at: NOW } } },
      'in-progress',
    ],
    ['automation mitigates', { status: 'mitigating' }, 'in-progress'],
    ['automation verifies', { status: 'mitigated', verification: 'pending' }, 'in-progress'],
    ['automation looks for the cause', { mitigations: 0, opened_at: plusSeconds(NOW, -60) }, 'in-progress'],
    ['automation did not decide for long', { mitigations: 0 }, 'unattended'],
    ['automation does not act', {}, 'unattended'],
    ['it is mitigated and verified', { status: 'mitigated', verification: 'passed', pages: 1 }, 'handled'],
    [
      'it is mitigated, but not verified',
      { status: 'mitigated', verification: 'inconclusive', pages: 1 },
      'unacknowledged',
    ],
    [
      'a person knows that it is not verified',
      { status: 'mitigated', verification: 'inconclusive', pages: 1, ...acknowledged },
      'handled',
    ],
    ['a person declared it, and its problem is over', { by_hand: true, ...verified }, 'closing'],
    ['a person declared it, and an alert of it fires', { by_hand: true, firing: 1, ...verified }, 'handled'],
    [
      'a person reopened it, and its later problem is over',
      { by_hand: true, recovered_at: EARLIER, new_onset: onset, verifying: { number: 1, at: EARLIER } },
      'closing',
    ],
    [
      'its later problem is over, and it closes by itself',
      { recovered_at: EARLIER, new_onset: onset, verifying: { number: 1, at: EARLIER } },
      'handled',
    ],
  ])('%s', (_, more, expected) => {
    expect(attentionOf(incident(more), NOW)).toBe(expected);
  });
});

describe('rows', () => {
  const id = (letter: string) => `01J0000000000000000000000${letter}` as IncidentId;

  test('a group counts as its members with its need, and needs what one of them asks', () => {
    const group = incident({ id: id('G'), pages: 1, ...acknowledged });
    const member = (letter: string, more: Partial<IncidentSummary> = {}) =>
      incident({ id: id(letter), parent_id: group.id, ...more });
    const rows = attending(
      [group, member('A', { pages: 1 }), member('B', { questions: 1 }), incident({ id: id('C') })],
      NOW,
    );
    expect(
      rows.map(({ incident: { id: of }, members, attention, count }) => [of, members.length, attention, count]),
    ).toEqual([
      [id('G'), 2, 'approval', 1],
      [id('C'), 0, 'unattended', 1],
    ]);
    expect(countOf(rows)).toBe(2);
    expect(attending([group, member('A'), member('B')], NOW)).toMatchObject([{ attention: 'in-progress', count: 2 }]);
  });

  test('a page of a member is the page of its group', () => {
    const group = incident({ id: id('G'), pages: 1, ...acknowledged });
    const rows = attending([group, incident({ id: id('A'), parent_id: group.id, pages: 1 })], NOW);
    expect(rows.map(({ attention }) => attention)).toEqual(['in-progress']);
  });

  test('an incident whose group is closed, or not visible, is listed itself', () => {
    expect(attending([incident({ parent_id: id('X') })], NOW)).toHaveLength(1);
  });
});
