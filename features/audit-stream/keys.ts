import { sha256 } from '../../core/stores/hash.ts';
import type { Key } from '../../core/stores/keys/parts.ts';

/** Keys of the stream of the audit log. */
export const keys = {
  /** Up to where a receiver has the log. */
  position: (url: string): Key => ({ pk: 'AUDITSTREAM', sk: sha256(url) }),
};
