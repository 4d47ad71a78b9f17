import { expect, test } from 'vitest';
import { toSignal } from '../../../domain/alerts/signal.ts';
import { correlate } from '../../../domain/correlation/correlate.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { Alert } from '../../../schemas/alerts/sources/index.ts';
import { degradedVersion } from '../../../workflows/steps/canary/degraded.ts';
import { NOON } from '../../domain/arbitraries.ts';
import { afterDeploy, suspectIn, v42 } from '../../domain/correlation/scenes.ts';

const ID = 'wch_0123456789abcdef0123456789';

const alert = (more: Partial<Alert> = {}, annotations: Record<string, string> = { watch: ID }) =>
  toSignal(
    {
      source: 'watch',
      status: 'firing',
      labels: new Map([['alertname', 'DeployDegraded']]),
      annotations: new Map(Object.entries(annotations)),
      startsAt: NOON,
      endsAt: null,
      fingerprint: 'chg_1',
      episodic: true,
      generatorUrl: null,
      ...more,
    },
    {},
  );

const COMPARED = { name: 'errors', verdict: 'degraded', p: 0.0004, reason: '3 %; v41 before: 0.3 %' };
const withWatch = (more: object | null) =>
  ({
    watches: {
      get: async (id: string) => {
        if (more === null) throw new Error('no answer');
        const watch = { change_id: v42().id, version: 'v42', outcome: 'degraded', metrics: [COMPARED] };
        return id === ID ? { ...watch, ...more } : undefined;
      },
    },
    log: { error: () => undefined },
  }) as unknown as Pick<Deps, 'watches' | 'log'>;

test('a watch that found its version worse by statistics is evidence for it, and no proof', async () => {
  const found = await degradedVersion(withWatch({}), [alert(), alert({ source: 'alertmanager' })]);
  expect(found).toEqual({ change_id: v42().id, version: 'v42', reason: 'errors: 3 %; v41 before: 0.3 %' });
  if (found === null) throw new Error('nothing was found');
  const before = suspectIn(correlate(afterDeploy()));
  const after = suspectIn(correlate(afterDeploy({ degraded_version: found })));
  expect(after.confidence).toBeGreaterThan(before.confidence);
  expect(after.reasons).toContain('the watch of its deploy found v42 degraded: errors: 3 %; v41 before: 0.3 %');
  expect(after.proof).toBeNull();
});

test('a watch without a comparison, another alert, or a watch that cannot be read is none', async () => {
  const none = [
    withWatch({ outcome: 'inconclusive' }),
    withWatch({ metrics: [{ ...COMPARED, p: null }] }),
    withWatch({ metrics: [{ ...COMPARED, verdict: 'healthy' }] }),
    withWatch(null),
  ];
  for (const deps of none) expect(await degradedVersion(deps, [alert()])).toBeNull();
  const others = [[], [alert({}, {})], [alert({ source: 'alertmanager' })], [alert({}, { watch: 'wch_1' })]];
  for (const firing of others) expect(await degradedVersion(withWatch({}), firing)).toBeNull();
});
