import type { ApiDeps } from '../deps.ts';

export type HealthDeps = Pick<ApiDeps, 'automation' | 'clock' | 'config' | 'secrets' | 'writeProbe'>;

type Readiness = { ready: boolean; checks: Record<'table' | 'blobs' | 'config' | 'secrets', string> };

/** Returns whether Firebreak can accept alerts: each check is `ok`, or the error. */
export async function readiness(deps: HealthDeps): Promise<Readiness> {
  const read = await stateOf(deps.automation.read());
  const written = await deps.writeProbe.states();
  const checks = {
    table: read === 'ok' ? written.table : read,
    blobs: written.blobs,
    config: await stateOf(deps.config.current()),
    secrets: await stateOf(deps.secrets.get('FIREBREAK_INGEST_TOKEN')),
  };
  return { ready: Object.values(checks).every((check) => check === 'ok'), checks };
}

/** Returns `ok`, or the error. */
const stateOf = (check: Promise<unknown>): Promise<string> =>
  check.then(
    () => 'ok',
    (error: unknown) => String(error),
  );
