/** What of a data folder is backed up. All else in it belongs to a process that runs, or is made again at the start. */

/** SQLite files. Without one of the first three, nothing can go on. */
export const NEEDED = ['dynamodb.sqlite', 'sqs.sqlite', 'durable.sqlite'] as const;
const SANDBOX = 'standins.sqlite';
export const DATABASES: readonly string[] = [...NEEDED, SANDBOX];

/** Tokens and keys of the instance; absent where the environment sets them. */
export const KEYS: readonly string[] = ['tokens.json', 'signing-key.pem', 'audit-key'];

/** Objects of the emulated S3. */
export const OBJECTS = 's3';

/** A piece of an object's path, as key-path.ts makes it, or the name of a bucket. */
const PIECE = /^(?!\.)[a-z0-9%_~.-]{1,255}$/;

/** Whether a file of an archive may be written into a data folder under this name. */
export function isOurs(name: string): boolean {
  const [first, ...rest] = name.split('/');
  if (first !== OBJECTS) return DATABASES.includes(name) || KEYS.includes(name);
  return rest.length > 0 && rest.every((piece) => PIECE.test(piece));
}

/** Begins the name of a snapshot's folder, in the data folder. */
export const SNAPSHOT = 'snapshot-';

/** There while a restore is under way, with the files that it has not put in their places. */
export const RESTORING = 'restoring';
