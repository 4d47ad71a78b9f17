import { expect, test } from 'vitest';
import { localFunctions } from '../../local/compute.ts';

test('as on AWS, the projector and the workflow alone may call themselves as often as it takes', () => {
  const allowed = Object.entries(localFunctions('https://sqs.test/dead')).filter(([, one]) => one.recursionAllowed);
  expect(allowed.map(([name]) => name).toSorted()).toEqual([
    'firebreak-local-incident-response',
    'firebreak-local-project',
  ]);
});
