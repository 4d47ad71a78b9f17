/** Codes of the operating system for a disk that is full, at a limit, read-only, or faulty. */
const CODES = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO']);

/**
 * Returns whether an error means that a store cannot write now, but can later without a restart. By name and code: the
 * stores of a platform don't import from here.
 */
export const isDiskFailure = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'DiskFailure' || ('code' in error && CODES.has(error.code)));
