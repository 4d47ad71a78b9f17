/**
 * Names of what is recorded: level, metric, operation. All of them begin with `firebreak:`, since Sloth records series
 * with the level `slo:` in the same Prometheus.
 * @see https://prometheus.io/docs/practices/rules/
 */
export const EVENTS = 'firebreak:slo_events:rate5m';
export const ERRORS = 'firebreak:slo_errors:rate5m';
/** Always 1; its label `digest` tells which queries the two above are made of. */
export const DEFINITION = 'firebreak:slo_definition:info';
/** The share of errors that the objective allows. */
export const ALLOWED = 'firebreak:slo_error_budget:ratio';
/** The length of the window that the budget is of. */
export const WINDOW_SECONDS = 'firebreak:slo_window:seconds';

/** How many events, and errors, there were in a window. */
export const eventsIn = (window: string): string => `firebreak:slo_events:increase${window}`;
export const errorsIn = (window: string): string => `firebreak:slo_errors:increase${window}`;

/** The same, read from the series that an objective's own queries name, which were there before any rule. */
export const rawEventsIn = (window: string): string => `firebreak:slo_events:raw_increase${window}`;
export const rawErrorsIn = (window: string): string => `firebreak:slo_errors:raw_increase${window}`;

/** The share of events of a window that are errors. */
export const errorRatio = (window: string): string => `firebreak:slo_error:ratio_rate${window}`;

/** By these labels one objective is told from another, in every recorded series. */
export const ON = 'slo, service, environment';

/** Objects with this in their comment are made anew each time. */
export const GENERATED = 'Made by `firebreak slo generate` from the objectives of this repository. Do not edit.';
