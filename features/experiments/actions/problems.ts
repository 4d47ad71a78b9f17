import { credentialOf } from '../../../vendors/connections/check-result.ts';
import { clusterAddress } from '../../../vendors/connections/uncallable-systems.ts';
import { secretNameIn } from '../../../core/domain/runbooks/secret-names.ts';
import type { Secrets } from '../../../core/domain/ports/system.ts';
import type { EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { ChaosConfig } from '../config.ts';

/** Checks the chaos systems that the configuration names. */
export const chaosSystems = (deps: {
  secrets: Secrets;
}): {
  problems(environment: EnvironmentEntry): Promise<string[]>;
} => ({
  problems: async ({ experiments }) => (experiments?.chaos === undefined ? [] : chaosProblems(deps, experiments.chaos)),
});

/** Returns why a chaos system can't be called. Does not call it. */
async function chaosProblems({ secrets }: { secrets: Secrets }, chaos: ChaosConfig): Promise<string[]> {
  if (chaos.kind !== 'http' && !(await clusterAddress(secrets, chaos)))
    return [`the chaos system (${chaos.kind}) has no address: set its \`url\`, or KUBERNETES_URL`];
  const name =
    chaos.kind === 'http' ? chaos.auth && secretNameIn(chaos.auth) : (chaos.auth?.bearer ?? 'KUBERNETES_TOKEN');
  if (name === undefined) return ['the chaos system is called without credentials (no "auth")'];
  return (await credentialOf(secrets, name)) ? [] : [`the secret ${name} of the chaos system is not set`];
}
