import { describe, expect, test } from 'vitest';
import { emailTextOf } from '../../../domain/messages/stakeholder-digest.ts';
import { lastDue, shadowDigest } from '../../../domain/automation/shadow-report-schedule.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { ShadowReport, ShadowRow } from '../../../schemas/automation/shadow-report.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

const at = (text: string): Timestamp => Timestamp.parse(text);

describe('the last time at which the weekly report was due', () => {
  // 2026-11-16 is a Monday.
  test.each([
    ['on the day, before the time', '2026-11-16T08:59:59Z', '2026-11-09T09:00:00.000Z'],
    ['on the day, at the time', '2026-11-16T09:00:00Z', '2026-11-16T09:00:00.000Z'],
    ['on the day before', '2026-11-22T23:59:59Z', '2026-11-16T09:00:00.000Z'],
  ])('%s', (_, now, due) => {
    expect(lastDue({ day: 'mon', at: '09:00', timeZone: 'UTC' }, at(now))).toBe(at(due));
  });

  test('follows the local clock across the change to winter time', () => {
    const berlin = { day: 'mon' as const, at: '09:00', timeZone: 'Europe/Berlin' };
    expect(lastDue(berlin, at('2026-10-25T12:00:00.000Z'))).toBe(at('2026-10-19T07:00:00.000Z'));
    expect(lastDue(berlin, at('2026-10-26T08:00:00.000Z'))).toBe(at('2026-10-26T08:00:00.000Z'));
  });

  test('uses the local day instead of the UTC day', () => {
    const auckland = { day: 'mon' as const, at: '00:30', timeZone: 'Pacific/Auckland' };
    expect(lastDue(auckland, at('2026-11-15T12:00:00.000Z'))).toBe(at('2026-11-15T11:30:00.000Z'));
  });
});

const none = { count: 0, right: 0, wrong: 0, undecided: 0 };
const row = (more: Partial<ShadowRow> = {}): ShadowRow => ({
  service: 'checkout' as ServiceName,
  environment: 'production' as EnvironmentName,
  mode: 'shadow',
  rollbacks: { count: 4, right: 3, wrong: 0, undecided: 1 },
  questions: none,
  nothing: none,
  promotion: { to: 'approve', ready: true, because: '3 right, 0 wrong', steps: ['set the mode'] },
  cases: [],
  ...more,
});
const report = (items: ShadowRow[]): ShadowReport => ({
  since: at('2026-10-17T09:00:00.000Z'),
  until: at('2026-11-16T09:00:00.000Z'),
  complete: true,
  incidents: 4,
  items,
});

describe('the report as a message', () => {
  test('shows tallies and how to promote a service', () => {
    const message = shadowDigest(report([row()]));
    expect(message.summary).toBe('Shadow mode: 4 incidents, 1 service is ready for promotion');
    expect(emailTextOf(message)).toContain(
      [
        'checkout in production',
        'Would have rolled back: 4 (3 right, 0 wrong, 1 undecided)',
        'Would have asked for approval: 0',
        'Would have done nothing: 0',
        'Ready for mode approve (3 right, 0 wrong):',
        'set the mode',
      ].join('\n'),
    );
  });

  test('shows what is missing for a promotion, and none after the mode was raised', () => {
    const waits = { to: 'approve' as const, ready: false, because: '1 right, 0 wrong', steps: ['set the mode'] };
    const text = emailTextOf(shadowDigest(report([row({ promotion: waits })])));
    expect(text).toContain('Not ready for promotion: 1 right, 0 wrong');
    expect(text).not.toContain('set the mode');
    expect(emailTextOf(shadowDigest(report([row({ promotion: null })])))).not.toContain('promotion');
  });

  test('reports an empty week, and counts omitted services', () => {
    expect(emailTextOf(shadowDigest(report([])))).toContain('No incident involved a service in shadow mode.');
    expect(emailTextOf(shadowDigest(report(Array.from({ length: 17 }, () => row()))))).toContain(
      'And 2 more services.',
    );
  });
});
