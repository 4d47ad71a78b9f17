/** Incremented with each change of a storage format: an older version refuses data that it would misread. */

/** 2: lists are sharded, and open incidents, incidents and changes of a service, and pinned versions have indexes. */
export const TABLE_FORMAT = 2;

export const QUEUES_FORMAT = 1;

export const EXECUTIONS_FORMAT = 1;

/** Returns the error for a store that this version cannot read. @param what for example `the table of /data` */
export const unreadable = (what: string, found: number, known: number): Error =>
  new Error(
    found > known
      ? `${what} was written by a newer version of Firebreak (format ${found}; this version knows ${known}). Start that version, or restore the backup from before the upgrade: docs/how-to/backup.md`
      : `${what} was written by a version of Firebreak that is too old (format ${found}; this version knows ${known}). Start a version between the two first: docs/how-to/backup.md`,
  );
