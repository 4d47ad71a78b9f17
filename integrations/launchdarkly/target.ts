import type { FlagServices } from '../shared/rollback-target.ts';

/** Loads the code if such a service is configured. */
export const launchDarklyServices: FlagServices<'launchdarkly'> = {
  async launchdarkly({ auth, project, environment }, { url, serviceEnvironment, secrets, clock }) {
    const token = auth?.bearer ?? 'LAUNCHDARKLY_TOKEN';
    // Without any token, the service is off. A configured token that is not set is reported when it is used.
    if (auth === undefined && !(await secrets.get(token))) return undefined;
    const { launchDarklyFlags } = await import('./flags.ts');
    return launchDarklyFlags({
      apiUrl: url,
      project,
      environment: environment ?? serviceEnvironment.environment,
      token,
      secrets,
      clock,
    });
  },
};
