import type { ClientsOf } from '../shared/rollback-target.ts';
import { launchDarklyFlags } from './flags.ts';
import type { launchDarkly } from './schema.ts';

export const clients: ClientsOf<typeof launchDarkly> = {
  deployers: {},
  flags: {
    async launchdarkly({ auth, project, environment }, { url, serviceEnvironment, secrets, clock }) {
      const token = auth?.bearer ?? 'LAUNCHDARKLY_TOKEN';
      // Without any token, the service is off. A configured token that is not set is reported when it is used.
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
  },
};
