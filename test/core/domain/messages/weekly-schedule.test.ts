import { describe, expect, test } from 'vitest';
import { lastDue } from '../../../../core/domain/messages/weekly-schedule.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';

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
