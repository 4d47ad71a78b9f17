/** Names that counters have by convention. @see https://prometheus.io/docs/practices/naming/ */
export const COUNTER = /_(?:total|count|sum|bucket)$/;
