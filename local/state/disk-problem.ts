import { resolve, sep } from 'node:path';

const FIXES: Readonly<Record<string, string>> = {
  ENOSPC: 'Free space on its disk, and start again. Nothing that Firebreak has accepted is lost.',
  EDQUOT: 'Raise the quota of this user or free space, and start again. Nothing that Firebreak has accepted is lost.',
  EROFS: 'Mount its file system for writing, or set FIREBREAK_DATA_DIR to another folder.',
  EIO: 'Its disk is faulty: move the folder to another disk, or restore a backup (docs/how-to/backup.md).',
};

const OTHERWISE = 'Set FIREBREAK_DATA_DIR to a folder that this user may create and write to.';

/** Returns an error of a start with the fix, if the data folder cannot be used. Other errors stay as they are. */
export function withDiskFix(error: unknown, dataDir: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const folder = resolve(dataDir);
  const path = 'path' in error && typeof error.path === 'string' ? resolve(error.path) : undefined;
  const isBelow = path === folder || path?.startsWith(folder + sep) === true;
  const fix = FIXES[error.code] ?? (isBelow ? OTHERWISE : undefined);
  // Only the data folder is written to without a path in the error, such as to an open file.
  if (fix === undefined || (path !== undefined && !isBelow)) return error;
  return new Error(`Cannot use the data folder ${folder} (${error.message}). ${fix}`, { cause: error });
}
