import { describe, expect, test } from 'vitest';
import { Ended, driftOrUnknown, orEnding, retryLater, refuse } from '../../../vendors/shared/refusals.ts';

describe('an attempt', () => {
  test('returns the result of its work', async () => {
    expect(await orEnding(async () => 'done')).toBe('done');
  });

  test('that is ended at any depth returns its ending', async () => {
    const deep = async (): Promise<never> => {
      throw refuse('no such thing');
    };
    expect(await orEnding(async () => deep())).toEqual({ kind: 'refused', detail: 'no such thing' });
    const later = { kind: 'later', detail: 'away', afterSeconds: null };
    expect(await orEnding(() => Promise.reject(retryLater('away')))).toEqual(later);
    const busy = { kind: 'busy', detail: 'at something else' } as const;
    expect(await orEnding(() => Promise.reject(new Ended(busy)))).toBe(busy);
  });

  test('throws other errors', async () => {
    await expect(orEnding(() => Promise.reject(new TypeError('not a function')))).rejects.toThrow('not a function');
  });

  test('that is ended reports an unknown state', () => {
    expect(driftOrUnknown({ kind: 'holds' })).toEqual({ kind: 'holds' });
    expect(driftOrUnknown({ kind: 'drifted', detail: 'v3 runs' })).toEqual({ kind: 'drifted', detail: 'v3 runs' });
    expect(driftOrUnknown({ kind: 'refused', detail: 'forbidden' })).toEqual({ kind: 'unknown', detail: 'forbidden' });
  });
});
