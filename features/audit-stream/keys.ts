import { sha256 } from '../../core/stores/hash.ts';
import type { Key } from '../../core/stores/keys/parts.ts';

/** Keys of the stream of the audit log. */
export const keys = {
  /** How far a receiver has the log. */
  progress: (url: string): Key => ({ pk: 'AUDITSTREAM', sk: sha256(url) }),
};
