import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import {
  namedCredentials,
  VENDOR_CONNECTIONS,
  type VendorState,
  vendorStates,
} from '../../core/domain/catalogue/vendors.ts';

/** Returns how each vendor is connected: to the real vendor, to a stand-in, or not at all. */
export async function vendorModes({
  secrets,
  config,
  standIns,
}: Pick<Deps, 'config' | 'standIns'> & { secrets: Secrets }): Promise<VendorState[]> {
  const credentials = namedCredentials((await config.current()).services);
  const names = VENDOR_CONNECTIONS.flatMap((one) => [one.url, ...one.credentials.flat(), ...(one.also ?? [])]);
  const wanted = [...names, ...Object.values(credentials).flat()];
  const values = new Map(await Promise.all(wanted.map(async (name) => [name, await secrets.get(name)] as const)));
  return vendorStates((name) => values.get(name), standIns.at, credentials);
}
