import { randomUUID } from 'node:crypto';

/** Returns a new ID: the prefix, which says of what, and 26 random hexadecimal digits. */
export const newId = (prefix: 'cor' | 'frz' | 'ovr'): string =>
  `${prefix}_${randomUUID().replaceAll('-', '').slice(0, 26)}`;
