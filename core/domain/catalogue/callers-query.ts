import { requestsOf, wholeOf, windowOf, withWindow } from '../correlation/query.ts';
import { type HealthQuery, wholeOfHealth } from './health.ts';

/**
 * Labels of requests with the version of the service that is called: of Istio, of the service graphs of Tempo, and a
 * dimension of span metrics. `service_version` is the caller's own.
 */
const CALLED_VERSION_LABELS = ['destination_version', 'server_service_version', 'peer_service_version'] as const;

/** The queries for what callers measure by version. */
export type CallersQuery = {
  failures: string;
  requests: string;
  /** Label that names the called version. */
  label: string;
  /** Seconds that a value covers. */
  window: number;
  /** Greatest value of the query, and of the health query, whose unit and limit count. */
  unit: 1 | 100;
  whole: 1 | 100;
};

/**
 * Returns what `health.callersByVersion` measures. Null: nothing that can be compared with the limit of the health query by
 * counted requests, because one of both divides no failed requests by all of them, or in several windows.
 */
export function callersQueryOf(query: HealthQuery & { callersByVersion: string }): CallersQuery | null {
  const { callersByVersion: failures } = query;
  const [requests, window] = [requestsOf(failures), windowOf(failures)];
  const [unit, whole] = [wholeOf(failures), wholeOfHealth(query)];
  if (requests === null || window === null || unit === null || whole === null) return null;
  const label = CALLED_VERSION_LABELS.find((name) => new RegExp(`\\b${name}\\b`).test(failures)) ?? 'version';
  return withWindow(failures, window) === null ? null : { failures, requests, label, window, unit, whole };
}
