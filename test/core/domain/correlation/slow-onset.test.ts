import { expect, test } from 'vitest';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import { approvalReasons, curve, own, scene, suspectIn, timed } from './scenes.ts';

test('errors that rise slowly, long after the only deploy, are asked about and never acted upon', () => {
  for (const started of [2400, 3000, 3600]) {
    const evidence = scene({
      changes: [own(timed('v41', 86_400, 86_300)), own(timed('v42', started, started - 120))],
      health: { max: 0.01, window: 300, curve: curve((m) => (m > 40 ? 0.0005 : 0.0005 + ((40 - m) / 40) * 0.03)) },
    });
    expect(suspectIn(correlate(evidence)).confidence).toBeGreaterThan(0.5);
    expect(approvalReasons(evidence).join()).toContain('errors rose slowly');
  }
});
