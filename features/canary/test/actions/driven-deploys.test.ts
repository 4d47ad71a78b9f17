import { expect, test } from 'vitest';
import { toSignal } from '../../../../core/domain/alerts/signal.ts';
import type { Deps } from '../../ports.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { Alert } from '../../../../schemas/alerts/sources/index.ts';
import { NOON } from '../../../../test/core/arbitraries.ts';
import { drivenDeploys } from '../../actions/driven-deploys.ts';

const ID = '01TESTCN000000000000000001';

const alert = (more: Partial<Alert> = {}, annotations: Record<string, string> = { canary: ID }) =>
  toSignal(
    {
      source: 'deployment',
      status: 'firing',
      labels: new Map([['alertname', 'DeploymentFailed']]),
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

const errors: string[] = [];

const withCanary = (more: object | null, checks: object[] = []) =>
  ({
    canaries: {
      get: async (id: string) => {
        if (more === null) throw new Error('no answer');
        const versions = { change_id: 'chg_1', version: 'v42', stable_version: 'v41' };
        return id === ID
          ? { ...versions, status: 'aborting', degraded: true, reason: 'v42 is degraded', ...more }
          : undefined;
      },
      checks: async () => checks,
    },
    log: { error: (text: string) => void errors.push(text) },
  }) as unknown as Pick<Deps, 'canaries' | 'log'>;

test('the canary of an alert of Firebreak itself is read, with the check that found its version worse', async () => {
  const found = { change_id: 'chg_1', version: 'v42', stable_version: 'v41', reason: 'v42 is degraded' };
  expect(await drivenDeploys(withCanary({})).aborted([alert()])).toEqual(found);
  const checks = [
    { verdict: 'inconclusive', weight: 5, reasons: ['errors: too little traffic'] },
    { verdict: 'degraded', weight: 5, reasons: ['errors: 3 %', 'p95: 2 s'] },
  ];
  // The reason of a canary that a person aborted names the person only.
  expect(
    await drivenDeploys(withCanary({ status: 'aborted', reason: 'aborted by ada' }, checks)).aborted([alert()]),
  ).toEqual({
    ...found,
    reason: 'degraded at 5 %: errors: 3 %; p95: 2 s',
  });
});

test('without proof, or with other alerts, no canary explains an incident', async () => {
  const none = [
    withCanary({ degraded: false }),
    withCanary({ status: 'failed' }),
    withCanary({ status: 'promoted' }),
    withCanary(null),
  ];
  for (const deps of none) expect(await drivenDeploys(deps).aborted([alert()])).toBeNull();
  expect(errors).toHaveLength(1);
  const others = [
    [],
    [alert({}, {})],
    [alert({}, { canary: 'unknown' })],
    [alert({}, { canary: '01TESTCN000000000000000002' })],
    [alert(), alert({ source: 'alertmanager', fingerprint: 'other' })],
  ];
  for (const firing of others) expect(await drivenDeploys(withCanary({})).aborted(firing)).toBeNull();
});
