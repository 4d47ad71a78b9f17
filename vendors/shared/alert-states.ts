import type { AlertStates } from '../../core/domain/ports/alerts.ts';
import { statesInAlertmanager } from '../alertmanager/alert-states.ts';
import { NoResponse } from './http.ts';
import type { Server } from './server.ts';
import { statesInPrometheus } from '../prometheus/alert-states.ts';

/**
 * Creates the check whether alerts still fire, for senders that never send "resolved" (`send_resolved: false`,
 * silences). Uses Alertmanager if it is configured, because it knows the alerts of all senders; otherwise Prometheus,
 * which knows only the alerts of its own rules.
 */
export function alertStates(urls: {
  alertmanager: () => Promise<string | undefined>;
  prometheus: () => Promise<Server | undefined>;
}): AlertStates {
  return {
    areListed: async () => Boolean(await urls.alertmanager().catch(ifUnreachable(true))),
    async of(alerts) {
      try {
        const alertmanager = await urls.alertmanager();
        if (alertmanager) return await statesInAlertmanager(alertmanager, alerts);
        const prometheus = await urls.prometheus();
        return prometheus ? await statesInPrometheus(prometheus, alerts) : null;
      } catch (error) {
        return ifUnreachable(null)(error);
      }
    },
  };
}

/** Returns `fallback` if the addresses can't be read, because the alerts can't be read either. */
const ifUnreachable =
  <T>(fallback: T) =>
  (error: unknown): T => {
    if (error instanceof NoResponse) return fallback;
    throw error;
  };
