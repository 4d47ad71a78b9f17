import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsClient } from '../../aws/clients/client.ts';
import { AutomationTable } from '../../aws/table/access/automation.ts';
import { Table } from '../../aws/table/core/table.ts';
import { timestamp } from '../../schemas/time/time.ts';
import { EMULATION_LIMITS } from '../limits.ts';
import { NAMES } from '../names.ts';
import { readPrivate } from '../state/private-file.ts';
import { RESTORED, Restored } from './restored-file.ts';

/**
 * Handles the first start on a restored folder: turns the kill switch on before anything continues, unless the restore
 * was run without it or it is already on.
 *
 * @returns lines for the person who starts Firebreak
 */
export async function afterRestore(dataDir: string): Promise<string[]> {
  const file = join(dataDir, RESTORED);
  const text = await readPrivate(file);
  if (text === undefined) return [];
  const { backup_of: at, pause } = Restored.parse(JSON.parse(text));
  if (pause) {
    const table = new Table(awsClient(DynamoDBClient, EMULATION_LIMITS), NAMES.table);
    const automation = new AutomationTable(table, { now: () => timestamp(Date.now()) });
    const { paused } = await automation.read();
    const reason = `restored from the backup of ${at}: review, then run firebreak resume`;
    if (!paused) await automation.write({ paused: true, reason }, 'firebreak restore');
  }
  await rm(file);
  return [
    `restored from the backup of ${at}${pause ? '. Automation is paused: review, then run firebreak resume' : ''}`,
  ];
}
