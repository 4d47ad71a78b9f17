/**
 * Suffixes of counters by naming convention.
 * @see https://prometheus.io/docs/practices/naming/
 */
export const COUNTER = /_(?:total|count|sum|bucket)$/;
