import { describe } from 'vitest';
import type { RollbackCall } from '../../../core/domain/rollback/targets.ts';
import { httpDeployer } from '../../../vendors/http-cd/deployer.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { clock, sandbox, setFault, start, UNTIL_RELEASED } from '../../../packages/sandbox/test/support.ts';
import { givesUpOnceHeld, untilNothingIsHeld } from '../time-limits.ts';
import { conforms, type TargetWorld, type Trouble } from '../target-conformance.ts';

/** Milliseconds, longer than any rollback of the stand-in. */
const LONG_MS = 60_000;

const request: RollbackCall = {
  service: 'checkout' as ServiceName,
  environment: 'production' as EnvironmentName,
  from: 'v42' as Version,
  to: 'v41' as Version,
  fromCommit: null,
  toCommit: null,
  incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId,
  reason: 'INC-42 HighErrorBurnRate',
  key: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.roll-back.1',
};

const next = { vendor: 'cd', match: { method: 'POST' }, times: 1 } as const;

const FAULTS = {
  lost_answer: { kind: 'lost' },
  throttled: { kind: 'rate_limit' },
  refused: { kind: 'status', status: 403, body: { error: 'not allowed' } },
  server_error: { kind: 'status', status: 503 },
} as const;

async function open(): Promise<TargetWorld> {
  const time = clock();
  const standIns = await start({ now: time.now });
  const { service, environment } = request;
  const tell = (version: string) => sandbox(standIns, 'PUT', '/cd/live', { service, environment, version });
  const settings = (more: object) => sandbox(standIns, 'PUT', '/cd/settings', more);
  await tell('v42');
  const url = `${standIns.urls.cd}/api/v1/rollback`;
  const secrets = { get: async () => undefined };
  const begun = async (): Promise<number> => {
    type State = { views: { cd: { rollbacks: { to_version: string }[] } } };
    const { views } = await sandbox<State>(standIns, 'GET', '/state');
    return views.cd.rollbacks.filter(({ to_version: to }) => to === request.to).length;
  };
  const late = async (): Promise<void> => {
    await setFault(standIns, { ...next, fault: { kind: 'late', delay_ms: UNTIL_RELEASED } });
    givesUpOnceHeld(standIns);
  };
  return {
    deployer: httpDeployer(
      { kind: 'http', url },
      { url, serviceEnvironment: request, secrets, clock: { now: () => timestamp(time.now()) } },
    ),
    request,
    takesAnyVersion: true,
    trouble: async (trouble: Trouble) => {
      if (trouble === 'late_effect') await late();
      else await setFault(standIns, { ...next, fault: FAULTS[trouble] });
    },
    async settle(how) {
      await untilNothingIsHeld(standIns);
      if (how === 'failing') await settings({ outcome: 'failed' });
      time.forward(LONG_MS);
    },
    async running() {
      const { items } = await sandbox<{ items: { version: string }[] }>(standIns, 'GET', '/cd/live');
      return items[0]?.version ?? '';
    },
    begun,
    async ship() {
      await tell('v43');
      return 'v43';
    },
    async occupy() {
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'of another' },
        body: JSON.stringify({
          service,
          environment,
          from_version: 'v42',
          to_version: 'v40',
          idempotency_key: 'of another',
        }),
      });
    },
  };
}

describe('a CD system of kind http conforms to the deployer contract', () => {
  conforms(open);
});
