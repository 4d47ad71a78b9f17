import type { Deps } from '../../domain/ports/deps.ts';
import {
  namedCredentials,
  VENDOR_CONNECTIONS,
  type VendorState,
  vendorStates,
} from '../../domain/catalogue/vendors.ts';

/** Returns how each vendor is connected: to the real vendor, to a stand-in, or not at all. */
export async function vendorModes({
  secrets,
  config,
  standIns,
}: Pick<Deps, 'secrets' | 'config' | 'standIns'>): Promise<VendorState[]> {
  const credentials = namedCredentials((await config.current()).services);
  const names = VENDOR_CONNECTIONS.flatMap((one) => [one.url, ...one.credentials.flat(), ...(one.also ?? [])]);
  const wanted = [...names, ...Object.values(credentials).flat()];
  const values = new Map(await Promise.all(wanted.map(async (name) => [name, await secrets.get(name)] as const)));
  return vendorStates((name) => values.get(name), standIns.at, credentials);
}
