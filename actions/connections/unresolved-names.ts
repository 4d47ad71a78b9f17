import type { Deps } from '../../domain/ports/deps.ts';
import { secretNamesOf } from '../../domain/runbooks/secret-names.ts';
import { nameWarnings } from '../../domain/catalogue/unconfigured.ts';
import { credentialOf } from './check-result.ts';

type UnknownEnvironment = { service: string; environment: string; problem: string };

/** Returns services and environments that have recorded deployments, but no configuration. */
export async function unknownEnvironments({
  config,
  changes,
}: Pick<Deps, 'config' | 'changes'>): Promise<UnknownEnvironment[]> {
  const [current, live] = await Promise.all([config.current(), changes.live()]);
  return live.flatMap(({ service, environment }) =>
    nameWarnings(current, { service, environment }).map((problem) => ({ service, environment, problem })),
  );
}

/** Returns the secrets that runbooks refer to, but that are not set. */
export async function unsetSecrets({
  config,
  secrets,
}: Pick<Deps, 'config' | 'secrets'>): Promise<{ runbook: string; name: string }[]> {
  const { runbooks } = (await config.current()).runbooks;
  const named = runbooks.flatMap((runbook) => secretNamesOf(runbook).map((name) => ({ runbook: runbook.name, name })));
  const found = await Promise.all(named.map(async (one) => ((await credentialOf(secrets, one.name)) ? [] : [one])));
  return found.flat();
}
