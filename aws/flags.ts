import type { ServiceEnvironment } from '../domain/ports/common.ts';
import type { Clock, Secrets } from '../domain/ports/system.ts';
import type { Flags } from '../domain/rollback/targets.ts';
import { httpFlags } from '../integrations/flags-http/flags.ts';
import { publicUrl, type StandIns } from '../domain/catalogue/vendors.ts';
import { launchDarklyFlags } from '../integrations/launchdarkly/flags.ts';
import type { FlagsConfig } from '../schemas/config/deployers.ts';

/**
 * Returns the adapter for a kind of flag service, or undefined if LaunchDarkly is not connected and no token is named.
 */
export async function flagsFor(
  config: FlagsConfig,
  {
    place,
    secrets,
    clock,
    standIns,
  }: { place: ServiceEnvironment; secrets: Secrets; clock: Clock; standIns: StandIns },
): Promise<Flags | undefined> {
  switch (config.kind) {
    case 'http':
      return { ...httpFlags(config, { place, secrets, clock }), standIn: standIns.at(config.url) };
    case 'launchdarkly': {
      const token = config.auth?.bearer ?? 'LAUNCHDARKLY_TOKEN';
      if (config.auth === undefined && !(await secrets.get(token))) return undefined;
      const apiUrl = (await secrets.get('LAUNCHDARKLY_API_URL')) || publicUrl('LAUNCHDARKLY_API_URL');
      const { project, environment = place.environment } = config;
      const flags = launchDarklyFlags({ apiUrl, project, environment, token, secrets, clock });
      return { ...flags, standIn: standIns.at(apiUrl) };
    }
  }
}
