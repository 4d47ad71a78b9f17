/**
 * Defines which files of a data folder are backed up. Other files belong to a running process, or are created again at
 * the start.
 */

/** SQLite files. The first three are required. */
export const REQUIRED_DATABASES = ['dynamodb.sqlite', 'sqs.sqlite', 'durable.sqlite'] as const;
const SANDBOX_DATABASE = 'standins.sqlite';
export const DATABASES: readonly string[] = [...REQUIRED_DATABASES, SANDBOX_DATABASE];

/** Tokens and keys of the instance; absent if the environment sets them. */
export const CREDENTIAL_FILES: readonly string[] = ['tokens.json', 'signing-key.pem', 'audit-key'];

/** Objects of the emulated S3. */
export const OBJECTS_FOLDER = 's3';

/** A segment of an object's path, as key-path.ts creates it, or the name of a bucket. */
const PIECE = /^(?!\.)[a-z0-9%_~.-]{1,255}$/;

/** Returns whether a file of an archive may be written into a data folder under this name. */
export function isBackedUp(name: string): boolean {
  const [first, ...rest] = name.split('/');
  if (first !== OBJECTS_FOLDER) return DATABASES.includes(name) || CREDENTIAL_FILES.includes(name);
  return rest.length > 0 && rest.every((piece) => PIECE.test(piece));
}

/** Prefix of snapshot folders in the data folder. */
export const SNAPSHOT_PREFIX = 'snapshot-';

/** Exists during a restore; contains files that are not in their final places yet. */
export const RESTORE_FOLDER = 'restoring';
