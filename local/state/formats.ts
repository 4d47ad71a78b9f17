/** Incremented with each change of a storage format: an older version refuses data that it would misread. */

export const TABLE_FORMAT = 3;

export const QUEUES_FORMAT = 1;

export const EXECUTIONS_FORMAT = 2;

/** Returns the error for a store that this version cannot read. @param what for example `the table of /data` */
export const unreadable = (what: string, found: number, known: number): Error =>
  new Error(
    found > known
      ? `${what} was written by a newer version of Firebreak (format ${found}; this version knows ${known}). Start that version, or restore the backup from before the upgrade: docs/how-to/backup.md`
      : `${what} has a format that this version of Firebreak does not read any more (format ${found}; this version knows ${known}). Start the version that wrote it, or an empty data folder: docs/how-to/backup.md`,
  );
