/**
 * Seconds that are taken for the window of a query that does not tell it. `usual`: of most health queries. `longest`: the usual
 * maximum of `rate()`, where a value must not be taken for newer than it is. `shortest`: where a longer one would hide what happened.
 */
export const UNKNOWN_WINDOW_SECONDS = { shortest: 60, usual: 300, longest: 600 } as const;
