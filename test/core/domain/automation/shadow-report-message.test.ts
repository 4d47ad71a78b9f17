import { describe, expect, test } from 'vitest';
import { emailTextOf } from '../../../../core/domain/messages/notifications.ts';
import { shadowDigest } from '../../../../core/domain/automation/shadow-report-message.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import type { ShadowReport, ShadowRow } from '../../../../schemas/automation/shadow-report.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';

const at = (text: string): Timestamp => Timestamp.parse(text);

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
