import { expect, test } from 'vitest';
import { compareAll } from '../../bench/sample/sample.ts';
import { monitoredCase, MONITORED_SEED } from '../../evaluation/monitored/case.ts';
import type { ClassName } from '../../evaluation/monitored/labels.ts';

/*
 * The product, from the webhook to the decision, reads and decides the same as the evaluation at the same time of the same
 * world. `npm run judgement:sample` compares more cases.
 */

const CASES: readonly (readonly [name: ClassName, number: number])[] = [
  ['deploy_at_once', 1],
  ['canary_labelled', 1],
  // Three services that share a dependency alert within minutes: it belongs to an incident group.
  ['canary_small', 1],
  // The problem is young, so that its newest samples are read at a finer step.
  ['crash', 1],
  ['configuration', 1],
  ['dependency_fails', 1],
  ['many_at_once', 1],
  ['third_party', 1],
  ['other_environment', 1],
  ['burn_rate_innocent', 1],
];

test('the product sees and decides what the evaluation sees and decides', async () => {
  const cases = CASES.map(([name, number]) => monitoredCase(MONITORED_SEED, name, number));
  const kinds = new Set<string>();
  let compared = 0;
  for await (const { id, isLate, differences, product, evaluation } of compareAll(cases)) {
    compared += 1;
    if (isLate) continue; // a busy machine is no difference
    expect({ id, differences, ...product }).toEqual({ id, differences: [], ...evaluation });
    kinds.add(product.kind);
  }
  expect(compared).toBe(CASES.length);
  expect(kinds.size).toBeGreaterThan(1);
}, 900_000);
