import { describe, expect, test } from 'vitest';
import { incidentName, numberNamed, numbersToSkip } from '../../../../core/domain/incidents/incident-number.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';

const id = '01KAW3Z4QV8X9Y7ZK3M2N1P0RS' as IncidentId;

describe('names', () => {
  test('an incident is named by its number, or by its ID without one', () => {
    expect(incidentName({ id, number: 42 })).toBe('INC-42');
    expect(incidentName({ id, number: null })).toBe(id);
    expect(incidentName({ id })).toBe(id);
  });

  test.each([
    ['INC-42', 42],
    ['inc-1', 1],
    ['Inc-999999999', 999_999_999],
    ['INC-0', undefined],
    ['INC-042', undefined],
    ['INC-4.2', undefined],
    ['INC-9999999999', undefined],
    ['42', undefined],
    ['XINC-42', undefined],
    [id, undefined],
  ])('%s names %s', (text, number) => expect(numberNamed(text)).toBe(number));
});

test('only retries leave numbers free, at most 63', () => {
  const ids = Array.from(
    { length: 100 },
    (_, n) => `${id.slice(0, 24)}${n.toString(36).toUpperCase().padStart(2, '0')}`,
  );
  const skipped = (attempt: number) => ids.map((one) => numbersToSkip(attempt, one as IncidentId));
  expect(new Set(skipped(1))).toEqual(new Set([0]));
  expect(new Set(skipped(2))).toEqual(new Set([0, 1]));
  expect(Math.max(...skipped(50))).toBe(63);
});
