/**
 * Names of recorded series: level, metric, operation. All start with `firebreak:`, because Sloth records series with
 * the level `slo:` in the same Prometheus.
 * @see https://prometheus.io/docs/practices/rules/
 */
export const EVENTS = 'firebreak:slo_events:rate5m';
export const ERRORS = 'firebreak:slo_errors:rate5m';
/** Always 1; its label `digest` identifies the queries behind the two series above. */
export const DEFINITION = 'firebreak:slo_definition:info';
/** Share of errors that the objective allows. */
export const ALLOWED = 'firebreak:slo_error_budget:ratio';
/** Length of the budget's window. */
export const WINDOW_SECONDS = 'firebreak:slo_window:seconds';

/** Numbers of events and errors in a window. */
export const eventsIn = (window: string): string => `firebreak:slo_events:increase${window}`;
export const errorsIn = (window: string): string => `firebreak:slo_errors:increase${window}`;

/**
 * Numbers of events and errors in a window, read from the raw series of the objective's own queries, which exist before
 * any rule is loaded.
 */
export const rawEventsIn = (window: string): string => `firebreak:slo_events:raw_increase${window}`;
export const rawErrorsIn = (window: string): string => `firebreak:slo_errors:raw_increase${window}`;

/** Share of a window's events that are errors. */
export const errorRatio = (window: string): string => `firebreak:slo_error:ratio_rate${window}`;

/** Labels that identify an objective in every recorded series. */
export const ON = 'slo, service, environment';

/** Marker comment of generated files. */
export const GENERATED = 'Made by `firebreak slo generate` from the objectives of this repository. Do not edit.';
