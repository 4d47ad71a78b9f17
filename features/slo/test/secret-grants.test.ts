import { expect, test } from 'vitest';
import { FUNCTION_GRANTS } from '../../../functions/assembly/secret-groups.ts';

test('the functions that call monitoring systems for objectives are granted their secrets', () => {
  expect(FUNCTION_GRANTS.evaluate).toContain('observability');
  expect(FUNCTION_GRANTS.sweep).toEqual(expect.arrayContaining(['observability', 'grafana']));
  expect(FUNCTION_GRANTS.http).toEqual(expect.arrayContaining(['observability', 'grafana']));
});
