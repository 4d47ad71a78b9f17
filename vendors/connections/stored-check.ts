import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Blobs } from '../../core/domain/ports/system.ts';
import { StoredConnections } from '../../schemas/config/connections.ts';
import { readTolerant } from '../../schemas/parsing/read-tolerant.ts';

/** Key of the last check. The console, which cannot read the vendors' secrets, shows it. */
const LAST_CHECK_KEY = 'doctor/last.json';

/** Stores a check of all connections. A check is of use without it, so an error is only logged. */
export async function storeCheck(
  { blobs, log }: Pick<Deps, 'log'> & { blobs: Blobs },
  check: StoredConnections,
): Promise<void> {
  try {
    await blobs.put(LAST_CHECK_KEY, JSON.stringify(check), 'application/json');
  } catch (error) {
    log.warn('the check of all connections could not be stored', { error: String(error) });
  }
}

/** Returns the last check of all connections. Undefined: there is none, or another version stored it differently. */
export async function lastCheck({
  blobs,
  log,
}: Pick<Deps, 'log'> & { blobs: Blobs }): Promise<StoredConnections | undefined> {
  const body = await blobs.get(LAST_CHECK_KEY);
  if (body === undefined) return undefined;
  try {
    return readTolerant(StoredConnections, JSON.parse(Buffer.from(body).toString())).data;
  } catch (error) {
    log.warn('the stored check of all connections cannot be read', { error: String(error) });
    return undefined;
  }
}
