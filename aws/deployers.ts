import type { Clock, Place, Secrets } from '../domain/ports.ts';
import type { Deployer } from '../domain/targets.ts';
import { httpDeployer } from '../integrations/http-cd/deployer.ts';
import type { DeployerConfig } from '../schemas/deployers.ts';

/** The adapter of each kind of deployer. Undefined: no address is known for it. */
export async function deployerFor(
  entry: DeployerConfig,
  { place, secrets, clock }: { place: Place; secrets: Secrets; clock: Clock },
): Promise<Deployer | undefined> {
  switch (entry.kind) {
    case 'http': {
      const url = entry.url ?? (await secrets.get('CD_URL'));
      return url === undefined ? undefined : httpDeployer(entry, { url, place, secrets, clock });
    }
    default:
      return undefined;
  }
}
