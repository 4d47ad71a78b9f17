import { describe, expect, test } from 'vitest';
import { MIN_CONFIDENCE_TO_ACT, correlate } from '../../../domain/correlation/correlate.ts';
import type { Evidence } from '../../../domain/correlation/evidence.ts';
import { afterDeploy, confidence, failing, of, own, scene, step, suspectIn, timed, v42 } from './scenes.ts';

const health = step(0.002, 0.04);
const alone = (evidence: Evidence): boolean => confidence(evidence) >= MIN_CONFIDENCE_TO_ACT;
const because = (evidence: Evidence): string =>
  suspectIn(correlate(evidence), 'v42').factors.find(({ name }) => name === 'for_a_person')?.text ?? 'nothing';

describe('with measured errors, automatic action is permitted', () => {
  test('if errors step up soon after the deploy and no evidence contradicts it', () => {
    expect(alone(afterDeploy({ health }))).toBe(true);
    expect(because(afterDeploy({ health }))).toBe('nothing');
  });

  test.each<[string, Evidence, RegExp]>([
    ['one stranger fails, too', afterDeploy({ health, failing: [failing('mail', 'unrelated')] }), /mail is failing/],
    [
      'it was more than ten minutes before',
      scene({ changes: [own(timed('v42', 1200, 1000))], health }),
      /only its timing supports it/,
    ],
    [
      'something else was changed that may be it',
      scene({ changes: [own(v42()), own(timed('pool-size', 200, 200, { kind: 'config' }))], health }),
      /pool-size could also be the cause/,
    ],
  ])('not if %s', (_, evidence, why) => {
    expect(alone(evidence)).toBe(false);
    expect(because(evidence)).toMatch(why);
  });
});

describe('without a health query, automatic action is permitted', () => {
  test.each<[string, Evidence]>([
    ['up to half an hour after the deploy', scene({ changes: [own(timed('v42', 1900, 1700))] })],
    ['if one unrelated service fails', afterDeploy({ failing: [failing('mail', 'unrelated')] })],
    [
      'if a dependency was changed and is healthy',
      scene({ changes: [own(v42()), of('ledger', 'dependency', timed('l7', 400, 300))] }),
    ],
    ['if the health query has no samples', afterDeploy({ health: { max: 0.01, curve: [] } })],
  ])('%s', (_, evidence) => {
    expect(alone(evidence)).toBe(true);
  });

  test('only soon after the deploy if a configured query cannot be read, and the reasons say so', () => {
    const unreadable = { health_unreadable: 'Prometheus answered 400: parse error' };
    expect(alone(afterDeploy(unreadable))).toBe(true);
    expect(suspectIn(correlate(afterDeploy(unreadable)), 'v42').reasons).toContain(
      'the health query could not be read: Prometheus answered 400: parse error',
    );
    const late = scene({ changes: [own(timed('v42', 1900, 1700))], ...unreadable });
    expect(alone(late)).toBe(false);
    expect(because(late)).toMatch(/errors could not be measured/);
  });

  test('not for two deploys close together', () => {
    expect(alone(scene({ changes: [own(v42()), own(timed('v43', 100, 60))] }))).toBe(false);
  });
});
