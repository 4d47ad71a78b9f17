/**
 * Codes of refusals with 400 or 422 because of what a body, a file, or a stored input contains. Others with these statuses are
 * about parameters: the command line takes them for usage errors.
 */
export const CONTENT_CODES = [
  'body-cut-off',
  'ignored',
  'not-gzip',
  'not-json',
  'not-json-content-type',
  'not-junit',
  'not-otlp',
  'not-replayed',
  'not-utf-8',
  'stalled-before',
  'too-many-alerts',
  'unknown-source',
  'unknown-version',
  'wrong-shape',
] as const;
export type ContentCode = (typeof CONTENT_CODES)[number];
