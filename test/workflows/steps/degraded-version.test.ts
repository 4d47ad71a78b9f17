import { expect, test } from 'vitest';
import { toSignal } from '../../../core/domain/alerts/signal.ts';
import { correlate } from '../../../core/domain/correlation/correlate.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { Alert } from '../../../schemas/alerts/sources/index.ts';
import { degradedVersion } from '../../../workflows/steps/judge/degraded.ts';
import { NOON } from '../../core/arbitraries.ts';
import {
  afterDeploy,
  own,
  scene,
  step,
  suspectIn,
  timed,
  v42,
  versionAt,
} from '../../core/domain/correlation/scenes.ts';

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
    Config.parse({ version: 'test', services: {}, paging: {} }),
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
  }) as unknown as Pick<Product, 'watches' | 'log'>;

/** Returns the suspect of a decision that knows what the watch found. */
async function watched(metrics: object[]) {
  const degraded_version = await degradedVersion(withWatch({ metrics }), [alert(), alert({ source: 'alertmanager' })]);
  if (degraded_version === null) throw new Error('nothing was found');
  return { degraded_version, suspect: suspectIn(correlate(afterDeploy({ degraded_version }))) };
}

test('a watch that found its version worse by statistics is evidence for it, and no proof', async () => {
  const { degraded_version: found, suspect: after } = await watched([COMPARED]);
  expect(found).toEqual({
    change_id: v42().id,
    version: 'v42',
    reason: 'errors: 3 %; v41 before: 0.3 %',
    comparison: 'before',
  });
  const before = suspectIn(correlate(afterDeploy()));
  expect(after.confidence).toBeGreaterThan(before.confidence);
  expect(after.reasons).toContain(
    'the watch of its deploy found v42 worse than what had served before it: errors: 3 %; v41 before: 0.3 %',
  );
  expect(after.proof).toBeNull();
});

test('a comparison with a version that served at the same time is stronger, but no proof', async () => {
  const beside = { ...COMPARED, comparison: 'beside', reason: '3 %; v41 at the same time: 0.3 %' };
  const { degraded_version: found, suspect } = await watched([COMPARED, beside]);
  const { suspect: weak } = await watched([COMPARED]);
  expect(found.comparison).toBe('beside');
  expect(suspect.confidence).toBeGreaterThan(weak.confidence);
  expect(suspect.reasons.join()).toContain('found v42 worse than the version that served beside it: errors: 3 %');
  expect(suspect.proof).toBeNull();
});

test('series by version that prove the same are not counted twice', async () => {
  const change = timed('v42', 240, null, { id: v42().id, status: 'started' });
  const by_version = [versionAt('v42', 0.08, 0.6), versionAt('v41', 0.001, 0.4)];
  const proved = { changes: [own(change)], health: step(0.002, 0.04), by_version };
  const { degraded_version } = await watched([{ ...COMPARED, comparison: 'beside' }]);
  const [alone, both] = [proved, { ...proved, degraded_version }].map((more) => suspectIn(correlate(scene(more))));
  expect([alone?.proof, both?.proof]).toEqual(['version', 'version']);
  expect(both?.confidence).toBe(alone?.confidence);
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
