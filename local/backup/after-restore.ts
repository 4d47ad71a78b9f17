import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AutomationTable } from '../../core/stores/access/automation.ts';
import { Table } from '../../core/stores/table.ts';
import { timestamp } from '../../schemas/time/time.ts';
import { readPrivate } from '../state/private-file.ts';
import { RESTORED, Restored } from './restored-file.ts';
import type { Store } from '../../platforms/store.ts';

/**
 * Handles the first start on a restored folder: turns the kill switch on before anything continues, unless the restore
 * was run without it or it is already on.
 *
 * @returns lines for the person who starts Firebreak
 */
export async function afterRestore(dataDir: string, store: Store): Promise<string[]> {
  const file = join(dataDir, RESTORED);
  const text = await readPrivate(file);
  if (text === undefined) return [];
  const { backup_of: at, pause } = Restored.parse(JSON.parse(text));
  if (pause) {
    const automation = new AutomationTable(new Table(store), { now: () => timestamp(Date.now()) });
    const { paused } = await automation.read();
    const reason = `restored from the backup of ${at}: review, then run firebreak resume`;
    if (!paused) await automation.write({ paused: true, reason }, 'firebreak restore');
  }
  await rm(file);
  return [
    `restored from the backup of ${at}${pause ? '. Automation is paused: review, then run firebreak resume' : ''}`,
  ];
}
