import type { Clock, Place, Secrets } from '../domain/ports.ts';
import type { Flags } from '../domain/targets.ts';
import { httpFlags } from '../integrations/flags-http/flags.ts';
import { launchDarklyFlags } from '../integrations/launchdarkly/flags.ts';
import type { FlagsConfig } from '../schemas/deployers.ts';

/** Where LaunchDarkly is when `LAUNCHDARKLY_API_URL` is not set. */
const LAUNCHDARKLY_API_URL = 'https://app.launchdarkly.com';

/** The adapter of each kind of flag service. Undefined: LaunchDarkly is not connected, and no token is named. */
export async function flagsFor(
  config: FlagsConfig,
  { place, secrets, clock }: { place: Place; secrets: Secrets; clock: Clock },
): Promise<Flags | undefined> {
  switch (config.kind) {
    case 'http':
      return httpFlags(config, { place, secrets, clock });
    case 'launchdarkly': {
      const token = config.auth?.bearer ?? 'LAUNCHDARKLY_TOKEN';
      if (config.auth === undefined && !(await secrets.get(token))) return undefined;
      const apiUrl = (await secrets.get('LAUNCHDARKLY_API_URL')) ?? LAUNCHDARKLY_API_URL;
      const { project, environment = place.environment } = config;
      return launchDarklyFlags({ apiUrl, project, environment, token, secrets, clock });
    }
  }
}
