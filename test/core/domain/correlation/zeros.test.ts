import { describe, expect, test } from 'vitest';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { onsetOf } from '../../../../core/domain/correlation/onset.ts';
import { before } from '../../arbitraries.ts';
import { alone, curve, own, scene, suspectIn, timed, weights } from './scenes.ts';

/** The series of errors of checkout begins at noon, while v42 rolls out; v41 has had no error. */
const lazy = (more: Partial<Evidence> = {}): Evidence =>
  scene({
    changes: [own(timed('v42', 240, null, { status: 'started' }))],
    health: { max: 0.01, window: 60, curve: curve((minutes) => (minutes > 0 ? null : 0.08)) },
    traffic: curve(() => 100),
    by_version: [
      { version: 'v42', curve: curve((m) => (m > 0 ? null : 0.2)), traffic: curve((m) => (m > 3 ? null : 40)) },
      { version: 'v41', curve: [], traffic: curve(() => 60) },
    ],
    ...more,
  });

describe('a series of errors that begins with the first error', () => {
  test('was zero before, where requests were measured: errors rose from almost zero', () => {
    const { factors } = suspectIn(correlate(lazy({ by_version: null })));
    expect(factors.find(({ name }) => name === 'step')?.text).toMatch(/went from 0 to 0.08 \(healthy up to/);
    expect(onsetOf(lazy())).toMatchObject({ from: 'health', latest: before(0) });
  });

  test('shows a version without any error as healthy, which proves the other one', () => {
    expect(weights(lazy())).toMatchObject({ canary_bad: 4 });
    expect(alone(lazy())).toBe(true);
  });

  test('proves nothing beside a version that was never recorded for the service', () => {
    const { proof, factors } = suspectIn(correlate(lazy({ unrecorded_versions: ['v41'] })));
    expect(proof).toBeNull();
    expect(factors.map(({ text }) => text).join()).toContain(
      'v41 was never recorded for checkout, so v42 cannot be compared with it',
    );
    expect(alone(lazy({ unrecorded_versions: ['v40'] }))).toBe(true);
  });

  test.each<[string, Partial<Evidence>]>([
    [
      'without the traffic of the versions',
      { by_version: [{ version: 'v42', curve: curve(() => 0.2), traffic: null }] },
    ],
    [
      'with a version that takes no requests any more',
      {
        by_version: [
          { version: 'v42', curve: curve((m) => (m > 0 ? null : 0.2)), traffic: curve((m) => (m > 3 ? null : 100)) },
          { version: 'v41', curve: [], traffic: curve((m) => (m > 0 ? 100 : null)) },
        ],
      },
    ],
    ['of a quantile, which has a value for each request', { health: { ...lazyHealth(), quantile: true } }],
  ])('proves nothing %s', (_, more) => {
    expect(suspectIn(correlate(lazy(more))).proof).toBeNull();
  });

  test('was zero again once the instances with errors are gone, while requests go on: the service has not vanished', () => {
    const rare = curve((minutes) => (minutes > 8 && minutes < 60 ? 0.001 : null));
    const deploy = [own(timed('v42', 540, 500))];
    const gone = scene({ changes: deploy, health: { max: 0.01, curve: rare, window: 120 } });
    expect(weights(gone)).toMatchObject({ vanished: expect.any(Number) });
    expect(weights({ ...gone, traffic: curve(() => 100) })).not.toHaveProperty('vanished');
  });

  test('is unknown before, where requests were not measured', () => {
    const { factors } = suspectIn(correlate(lazy({ traffic: null, by_version: null })));
    expect(factors.find(({ name }) => name === 'step')?.text ?? '').not.toMatch(/went from 0/);
  });
});

function lazyHealth(): NonNullable<Evidence['health']> {
  return { max: 0.01, curve: curve((minutes) => (minutes > 0 ? null : 0.08)) };
}
