import { IMPROBABLE } from '../../../../core/domain/correlation/words.ts';
import { describe, expect, test } from 'vitest';
import {
  MIN_CONFIDENCE_TO_ACT,
  correlate,
  MIN_CONFIDENCE_TO_ASK,
} from '../../../../core/domain/correlation/correlate.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { INCIDENT } from '../../arbitraries.ts';
import { confidence, of, own, scene, timed, weights } from './scenes.ts';

const together = (...changes: Change[]) => scene({ changes: changes.map(own) });

describe('two plausible changes', () => {
  test.each([
    ['close together, when a fix may have been shipped', timed('v41', 600, 480), timed('v42', 300, 120)],
    ['that were rolling out together', timed('v41', 90, null, { status: 'started' }), timed('v42', 60, -60)],
    ['of which one is a flag', timed('v41', 600, 480), timed('v42', 120, 120, { kind: 'flag' })],
  ])('%s: no automatic action', (_, ...changes) => {
    const { suspects, verdict } = correlate(together(...changes));
    expect(suspects).toHaveLength(2);
    for (const suspect of suspects) expect(suspect.confidence).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
    expect(suspects.reduce((sum, one) => sum + one.confidence, 0)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(verdict).toBe((suspects[0]?.confidence ?? 0) >= MIN_CONFIDENCE_TO_ASK ? 'change' : 'unclear');
  });

  test('that are equally good: a change is the cause, but it is unclear which', () => {
    const { verdict } = correlate(together(timed('v42', 60, null), timed('f', 60, null, { kind: 'config' })));
    expect(verdict).toBe('unclear');
  });
});

describe('a newer version', () => {
  test('that replaced it before the problem leaves it no suspect to ask about', () => {
    const evidence = together(timed('v41', 1800, 1700), timed('v42', 300, 120));
    expect(weights(evidence, 'v41')).toMatchObject({ replaced: -4.5 });
    expect(confidence(evidence, 'v41')).toBeLessThan(0.1);
    expect(confidence(evidence, 'v42')).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
  });

  test('that was rolling out is more probable than the version that had been healthy until then', () => {
    const evidence = together(timed('v41', 1500, 1400), timed('v42', 60, -60));
    expect(weights(evidence, 'v41')).toMatchObject({ being_replaced: -1 });
    expect(confidence(evidence, 'v42')).toBeGreaterThan(confidence(evidence, 'v41'));
  });

  test.each([
    ['after the onset', timed('v43', -20, -60)],
    ['that failed', timed('v43', 40, 20, { status: 'failed' })],
    ['of another kind', timed('v43', 40, 20, { kind: 'config' })],
    ['deployed for this incident', timed('v43', 40, 20, { made_for: INCIDENT })],
  ])('%s does not replace it', (_, newer) => {
    expect(weights(together(timed('v42', 300, 120), newer), 'v42')).toEqual(weights(together(timed('v42', 300, 120))));
  });
});

test('a newer version of another service does not replace it', () => {
  const changes = [own(timed('v42', 300, 120)), of('payments', 'dependency', timed('v43', 40, 20))];
  expect(Object.keys(weights(scene({ changes }), 'v42'))).toEqual(['prior', 'finished_before']);
});

test('a version rolled back before the problem is no more probable than one replaced long ago', () => {
  const back = timed('v41', 60, 30, { kind: 'rollback', previous_version: 'v42' });
  const again = together(timed('v42', 300, 120), back, timed('v43', 10, 0));
  expect(weights(again, 'v42')).toMatchObject({ back: -4.5 });
  const { suspects } = correlate(again);
  expect(suspects[0]).toMatchObject({ version: 'v43' });
  expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
});

test('two versions that roll out together are equal; of two close together, either may be the cause', () => {
  const rolling = together(timed('v41', 90, null, { status: 'started' }), timed('v42', 60, -60));
  expect(Object.keys(weights(rolling, 'v41'))).toEqual(['prior', 'rolling_out']);
  const soon = (finishedBefore: number): number | undefined =>
    weights(
      together(
        timed('v41', 600 + finishedBefore, 480 + finishedBefore),
        timed('v42', 300 + finishedBefore, finishedBefore),
      ),
      'v41',
    )['replaced_soon'];
  expect(soon(1)).toBeCloseTo(-0.5, 1);
  expect(soon(450)).toBeCloseTo(-2.5);
  expect(soon(900)).toBe(-4.5);
});

test('a version that was replaced after a minute is not blamed for what begins ten minutes later', () => {
  const { suspects } = correlate(together(timed('v42', 800, 700), timed('v41', 600, 590)));
  expect(suspects.find(({ version }) => version === 'v42')?.confidence ?? 0).toBeLessThan(IMPROBABLE);
});

describe('the same version', () => {
  test('recorded twice is one suspect instead of two rivals', () => {
    const { suspects } = correlate(together(timed('v42', 300, 200), timed('v42', 240, 120)));
    expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
    expect(suspects[1]?.confidence).toBeLessThan(0.1);
  });

  test.each([
    ['healthy for a long time', [timed('v42', 6000, 5900), timed('v42', 240, 120)]],
    ['as before, according to its sender', [timed('v42', 240, 120, { previous_version: 'v42' })]],
  ])('%s was only restarted: approval is required', (_, changes) => {
    const { suspects } = correlate(together(...changes));
    expect(suspects[0]?.factors).toContainEqual(expect.objectContaining({ name: 'same_version' }));
    expect(suspects[0]?.confidence).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
  });
});
