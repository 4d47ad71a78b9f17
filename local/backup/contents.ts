import { BLOBS_FOLDER, DATABASE_FILE } from '../../platforms/sqlite/data-folder.ts';
import { HEAD_KEY } from '../../core/stores/audit/audit-head.ts';

/**
 * Defines which files of a data folder are backed up. Other files belong to a running process, or are created again at
 * the start.
 */

/** The state of the sandbox. */
const SANDBOX_DATABASE = 'standins.sqlite';

/** The first is required. */
export const DATABASES: readonly string[] = [DATABASE_FILE, SANDBOX_DATABASE];

/** Tokens and keys of the instance; absent if the environment sets them. */
export const CREDENTIAL_FILES: readonly string[] = ['tokens.json', 'signing-key.pem', 'audit-key'];

/** Blobs that are replaced after what they describe was written to the database. All others are written before. */
export const BLOBS_WRITTEN_LAST: readonly string[] = [HEAD_KEY];

/** A name in the path of a blob (platforms/blobs.ts). */
const NAME = /^[\w-][\w.-]{0,254}$/;

/** Returns whether a file of an archive may be written into a data folder under this name. */
export function isBackedUp(name: string): boolean {
  const [first, ...rest] = name.split('/');
  if (first !== BLOBS_FOLDER) return DATABASES.includes(name) || CREDENTIAL_FILES.includes(name);
  return rest.length > 0 && rest.every((part) => NAME.test(part));
}

/** Prefix of snapshot folders in the data folder. */
export const SNAPSHOT_PREFIX = 'snapshot-';

/** Exists during a restore; contains files that are not in their final places yet. */
export const RESTORE_FOLDER = 'restoring';
