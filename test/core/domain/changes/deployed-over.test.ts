import { expect, test } from 'vitest';
import { deployedOver, fixForward } from '../../../../core/domain/changes/deployed-over.ts';
import { before, change } from '../../arbitraries.ts';

const v1 = change('v1', 240);
const v2 = change('v2', 30);
const fix = change('v3', 10);
const problem = { until: null, ended_at: before(0) };

test('a newer version over the probable cause ended the problem', () => {
  const over = deployedOver([v1, v2, fix], v2, problem);
  expect(over).toEqual([fix]);
  expect(fixForward(over, problem)).toEqual(fix);
});

test.each([
  ['that is recorded', [v1], v2],
  ['that only the probable cause names', [], { ...v2, previous_version: v1.version }],
])('an earlier version %s is not deployed over the probable cause: it undoes it', (_, earlier, cause) => {
  const again = change('v1', 10);
  expect(deployedOver([...earlier, cause, again], cause, problem)).toEqual([]);
});
