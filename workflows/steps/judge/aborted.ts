import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { loaded } from '../../../core/domain/ports/extensions.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';

/**
 * Returns the version that a feature took out of production because it was worse, if all firing alerts report it. Null: they
 * do not, or it can't be read.
 */
export async function abortedDeploy(
  { extensions }: Pick<Deps, 'extensions'>,
  firing: readonly Signal[],
): Promise<Evidence['aborted_canary'] | null> {
  if (firing.length === 0 || firing.some(({ source }) => source !== 'deployment')) return null;
  const drivers = await loaded(extensions.drivenDeploys);
  const found = await Promise.all(drivers.map((one) => one.aborted(firing)));
  return found.find((aborted) => aborted !== null) ?? null;
}
