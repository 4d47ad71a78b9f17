import { expect, test } from 'vitest';
import { localFunctions } from '../../local/compute.ts';

test('as on AWS, only the projector and the workflow may invoke themselves without limit', () => {
  const allowed = Object.entries(localFunctions('https://sqs.test/dead')).filter(([, one]) => one.recursionAllowed);
  expect(allowed.map(([name]) => name).toSorted()).toEqual([
    'firebreak-local-incident-response',
    'firebreak-local-project',
  ]);
});
