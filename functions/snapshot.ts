import { setTimeout as sleep } from 'node:timers/promises';
import { deps } from '../aws/deps.ts';
import { sha256 } from '../aws/hash.ts';
import { cachedMonths } from '../actions/status/cached-months.ts';
import { snapshotFiles } from '../http/status/snapshot/files.ts';
import { takeSnapshots } from '../jobs/status-snapshot/take-snapshot.ts';

/** Kept between invocations, because it caches the incidents of past months. */
let readersAt: ReturnType<typeof cachedMonths> | undefined;

/** Writes the public status pages every 30 seconds for a static host, which serves them even if Firebreak is down. */
export const handler = (): Promise<{ written: number }> => {
  const { config, publicIncidents, publicUrl } = deps();
  const readersOf = (readersAt ??= cachedMonths(publicIncidents));
  return takeSnapshots(deps(), {
    files: (at) => snapshotFiles({ config, publicIncidents: readersOf(at), publicUrl }, at),
    hashOf: (body) => sha256(body).slice(0, 16),
    pause: async (milliseconds) => sleep(milliseconds),
    elapsed: () => performance.now(),
  });
};
