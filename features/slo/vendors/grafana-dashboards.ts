import * as z from 'zod';
import type { LoadedMonitoring, LoadedPanel } from '../types.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import { MESSAGE_BODY, vendorClient, withoutTrailingSlash } from '../../../vendors/shared/client.ts';
import { ATTEMPT_TIMEOUT_MS } from '../../../vendors/grafana/limits.ts';

const DASHBOARD_MAX_BYTES = 8 * 1024 * 1024;

const Panel = z.object({
  type: z.string().nullish(),
  title: z.string().nullish(),
  targets: z.array(z.object({ expr: z.string().nullish() })).nullish(),
  /** Of a collapsed row. */
  get panels() {
    return z.array(Panel).nullish();
  },
});
type Panel = z.infer<typeof Panel>;
const DashboardResponse = z.object({ dashboard: z.object({ panels: z.array(Panel).nullish() }) });

/**
 * Creates a client that reads dashboards.
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/#get-dashboard-by-uid
 */
export function grafanaDashboards(options: {
  url: () => Promise<string | undefined>;
  token: () => Promise<string | undefined>;
  clock: Clock;
}): Pick<LoadedMonitoring, 'dashboard'> {
  const client = vendorClient({
    vendor: 'Grafana',
    clock: options.clock,
    async access() {
      const [url, token] = [await options.url(), await options.token()];
      if (url && token)
        return {
          url: `${withoutTrailingSlash(url)}/api/dashboards/uid`,
          headers: { authorization: `Bearer ${token}` },
        };
      return { kind: 'off', detail: 'GRAFANA_URL or GRAFANA_TOKEN is not set' };
    },
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    maxBytes: DASHBOARD_MAX_BYTES,
    errorBody: MESSAGE_BODY,
  });
  return {
    async dashboard(uid) {
      const response = await client({ method: 'GET', path: `/${encodeURIComponent(uid)}`, schema: DashboardResponse });
      if (response.kind === 'done') return { kind: 'read', value: panelsIn(response.value.dashboard.panels ?? []) };
      if (response.kind === 'off') return null;
      if (response.kind === 'refused' && response.code === 'not_found') return { kind: 'read', value: null };
      return { kind: 'unreadable', detail: response.detail };
    },
  };
}

const panelsIn = (panels: readonly Panel[]): LoadedPanel[] =>
  panels.flatMap(({ type, title, targets, panels: inRow }) =>
    type === 'row'
      ? panelsIn(inRow ?? [])
      : [{ title: title ?? '', queries: (targets ?? []).flatMap(({ expr }) => expr ?? []) }],
  );
