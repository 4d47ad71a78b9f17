import type { FlagServices } from '../shared/rollback-target.ts';
import { launchDarklyFlags } from './flags.ts';

export const launchDarklyServices: FlagServices<'launchdarkly'> = {
  async launchdarkly({ auth, project, environment }, { url, serviceEnvironment, secrets, clock }) {
    const token = auth?.bearer ?? 'LAUNCHDARKLY_TOKEN';
    // Without a token of its own, the service is off. The name of a missing one is reported when it is used.
    if (auth === undefined && !(await secrets.get(token))) return undefined;
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
