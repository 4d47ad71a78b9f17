import { expect, test } from 'vitest';
import { batches } from '../../bench/measurements/response.ts';
import { ORGANISATION_ROLLBACKS_PER_HOUR } from '../../../../core/domain/rollback/guard-facts.ts';

test('no instance exceeds the hourly limit of automatic rollbacks', () => {
  expect(batches.filter(({ acting }) => acting.length > ORGANISATION_ROLLBACKS_PER_HOUR)).toEqual([]);
});

test('sixty alerts are measured, with different services in each batch', () => {
  expect(batches.flatMap(({ acting }) => acting)).toHaveLength(60);
  const all = batches.flatMap(({ acting, asking }) => [...acting, ...asking]);
  expect(new Set(all).size).toBe(all.length);
});
