/**
 * Names of what is recorded: level, metric, operation.
 * @see https://prometheus.io/docs/practices/rules/
 */
export const EVENTS = 'slo:sli_events:rate5m';
export const ERRORS = 'slo:sli_errors:rate5m';
/** Always 1; its label `digest` tells which queries the two above are made of. */
export const DEFINITION = 'slo:sli_definition:info';
/** The share of errors that the objective allows. */
export const ALLOWED = 'slo:error_budget:ratio';

/** The share of events of a window that are errors. */
export const errorRatio = (window: string): string => `slo:sli_error:ratio_rate${window}`;

/** By these labels one objective is told from another, in every recorded series. */
export const ON = 'slo, service, environment';

/** Objects with this in their comment are made anew each time. */
export const GENERATED = 'Made by `firebreak slo generate` from the objectives of this repository. Do not edit.';
