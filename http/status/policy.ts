import { createHash } from 'node:crypto';

/** Returns the source expression of a Content Security Policy that allows this text only. */
export const hashSource = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
