/** The hash by which a stored decision is known, made exactly as it was when it was stored. */
export { canonicalJson, sha256 } from '../aws/hash.ts';
