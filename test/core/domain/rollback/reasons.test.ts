import { expect, test } from 'vitest';
import type { RankedSuspect } from '../../../../core/domain/correlation/ranking.ts';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import { firstSuspectReason } from '../../../../core/domain/rollback/reasons.ts';
import { afterDeploy, suspectIn } from '../correlation/scenes.ts';

const suspect = (more: Partial<RankedSuspect>): RankedSuspect => ({ ...suspectIn(correlate(afterDeploy())), ...more });

test.each<[string, Partial<RankedSuspect>]>([
  ['v42 is probably not the cause (9 %)', { confidence: 0.09 }],
  ['v42 is probably not the cause (1 %)', { confidence: 0.01 }],
  ['checkout v42 is probably not the cause (5 %)', { confidence: 0.05, relation: 'dependency' }],
  ['the most probable change has a probability of less than 1 %', { confidence: 0 }],
  ['the most probable change has a probability of 5 %', { confidence: 0.05, relation: 'undeclared' }],
])('where nothing can be done, the first suspect is described as: %s', (text, more) => {
  const { reasons } = suspect(more);
  expect(firstSuspectReason(suspect(more))).toEqual({ code: 'suspect', text, more: reasons });
});
