/** The hash of stored decisions. The CLI must compute it exactly as the code that stores them. */
export { canonicalJson, sha256 } from '../../core/stores/hash.ts';
