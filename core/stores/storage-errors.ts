/** Codes of the operating system for a disk that is full, at a limit, read-only, or faulty. */
const DISK_CODES = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO']);

/**
 * Returns whether an error means that the disk cannot be written to now, but perhaps later, without a restart. By name and
 * code, because this does not see the platforms.
 */
export const isDiskFailure = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'DiskFailure' || ('code' in error && DISK_CODES.has(error.code)));

/** Returns whether a read or a write has found damage. By name, because this does not see the platforms. */
export const isDamage = (error: unknown): error is Error => error instanceof Error && error.name === 'DatabaseDamaged';
