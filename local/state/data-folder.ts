import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_FILE } from '../../platforms/sqlite/data-folder.ts';
import { CREDENTIAL_FILES, RESTORE_FOLDER } from '../backup/contents.ts';

/** Databases of versions before the first release. */
const EARLIER = ['dynamodb.sqlite', 'sqs.sqlite', 'durable.sqlite'];

/**
 * @throws Error if a restore was interrupted there, if a version from before the first release has written it, or if its
 *   database is empty although it was used before: credentials are stored there only after the database
 */
export function checkDataFolder(dataDir: string): void {
  if (existsSync(join(dataDir, RESTORE_FOLDER)))
    throw new Error(`a restore into ${dataDir} was interrupted: run firebreak restore again`);
  const database = join(dataDir, DATABASE_FILE);
  const used = CREDENTIAL_FILES.find((name) => existsSync(join(dataDir, name)));
  if (used !== undefined && statSync(database, { throwIfNoEntry: false })?.size === 0)
    throw new Error(
      `${database} is empty, but ${used} beside it shows that the folder was used before: restore a backup (docs/how-to/backup.md), or delete ${DATABASE_FILE} to start without data`,
    );
  const earlier = EARLIER.find((name) => existsSync(join(dataDir, name)));
  if (earlier !== undefined)
    throw new Error(
      `${dataDir} contains ${earlier} of a version from before the first release, which this version cannot read: move the folder away, or set FIREBREAK_DATA_DIR to another one`,
    );
}
