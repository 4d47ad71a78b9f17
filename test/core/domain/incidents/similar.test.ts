import { expect, test } from 'vitest';
import { comparableOf, similarity, similarWords } from '../../../../core/domain/incidents/similar.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const incident = (labels: Record<string, string>, suspect: 'deploy' | 'flag' | null = null, title = 'Errors') =>
  comparableOf([{ labels: Object.entries(labels) }], title, suspect);

test('the same alert is similar, and labels and the kind of the suspect add to it', () => {
  const own = incident({ alertname: 'Errors', service: 'checkout', path: '/pay' }, 'deploy');
  const best = similarity(own, incident({ alertname: 'Errors', path: '/pay' }, 'deploy'));
  expect(best?.reasons).toEqual(['same alert: Errors', 'same labels: path=/pay', 'the suspect was also a deploy']);
  const less = similarity(own, incident({ alertname: 'Errors' }, 'flag'));
  expect(less?.reasons).toEqual(['same alert: Errors']);
  expect(best?.score).toBeGreaterThan(less?.score ?? Infinity);
});

test('without the same alert, the labels and the kind of the suspect must both agree', () => {
  const own = incident({ alertname: 'Errors', path: '/pay' }, 'deploy');
  expect(similarity(own, incident({ alertname: 'Slow', path: '/pay' }, 'deploy'))?.reasons).toHaveLength(2);
  expect(similarity(own, incident({ alertname: 'Slow', path: '/pay' }, 'flag'))).toBeNull();
  expect(similarity(own, incident({ alertname: 'Slow' }, 'deploy'))).toBeNull();
  // Labels that every alert of the service has say nothing.
  expect(
    similarity(incident({ service: 'a', team: 't' }, 'flag', 'x'), incident({ service: 'a', team: 't' }, 'flag', 'y')),
  ).toBeNull();
});

test('an incident without alerts is compared by its title, and long names are shortened', () => {
  const reasons = (title: string) => similarity(comparableOf([], title, null), comparableOf([], title, null))?.reasons;
  expect(reasons('x'.repeat(80))).toEqual([`same alert: ${'x'.repeat(80)}`]);
  expect(reasons(`${'x'.repeat(79)}😀`)).toEqual([`same alert: ${'x'.repeat(79)}…`]);
});

test('a similar incident is described in one line', () => {
  const one = {
    id: '01TEST00000000000000000001' as IncidentId,
    title: 'Errors',
    opened_at: '2026-11-01T12:00:00.000Z' as Timestamp,
    reasons: ['same alert: Errors'],
    fixed_by: null,
    open_action_items: 2,
  };
  expect(similarWords(one, '2026-11-22T12:00:00.000Z' as Timestamp)).toBe(
    '3 weeks ago; same alert: Errors; 2 action items are still open',
  );
  expect(similarWords({ ...one, open_action_items: 0 }, '2026-11-01T12:30:00.000Z' as Timestamp)).toBe(
    'in the last two hours; same alert: Errors',
  );
});
