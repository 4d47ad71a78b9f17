import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { restore } from '../../local/backup/restore.ts';
import { Story } from './story.ts';

/** As in test/e2e/support/upgrade-story.ts, where the archives are recorded. */
const TIME_SCALE = 100;
const SERVICES = `services:
  checkout: { environments: { production: { autoRollback: { mode: approve } } } }
  search: { environments: { production: {} } }
  cart: { environments: { production: {} } }
`;
const OPEN = ['checkout', 'cart'];

/**
 * Restores the archived data folder of the newest release, with open incidents, and writes the configuration for it. The
 * clock of the product continues from the time of the archive, so that its workflows go on as if no time had passed.
 *
 * @param folders `config` is a folder of this machine, which the product sees as `configSeen`
 * @returns the version, and the variables for the product
 */
export async function restoreReleased(
  root: string,
  { data, config, configSeen }: { data: string; config: string; configSeen: string },
): Promise<{ version: string; variables: string[] }> {
  const archives = join(root, 'test/fixtures/upgrade');
  const names = readdirSync(archives).filter((name) => name.endsWith('.tar.gz'));
  const [newest = ''] = names.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const { at } = await restore(join(archives, newest), data, { pause: false, now: new Date() });
  writeFileSync(join(config, 'services.yaml'), SERVICES);
  copyFileSync(join(root, 'test/kill/clock.ts'), join(config, 'clock.mts'));
  writeFileSync(join(config, 'clock'), String((Date.parse(at) - Date.now()) / 1000));
  return {
    version: newest.replace('.tar.gz', ''),
    variables: [
      `NODE_OPTIONS=--import=${configSeen}/clock.mts`,
      `FIREBREAK_KILL_CLOCK=${configSeen}/clock`,
      `FIREBREAK_TIME_SCALE=${TIME_SCALE}`,
    ],
  };
}

/** Resolves the open incidents of the released version. @throws Error if one is not open, or is not resolved */
export async function resolveReleased(root: string, url: string): Promise<void> {
  for (const service of OPEN) {
    const story = new Story(root, url, service);
    await story.adopt();
    await story.resolve();
  }
}
