import type { AlertStates } from '../domain/ports.ts';
import { statesInAlertmanager } from './alertmanager/alert-states.ts';
import { statesInPrometheus } from './prometheus/alert-states.ts';

/**
 * Asks where alerts live whether they still fire, for senders that never say "resolved" (`send_resolved: false`,
 * silences). Alertmanager knows best; without one, Prometheus is asked about those that it fires itself.
 */
export function alertStates(urls: {
  alertmanager: () => Promise<string | undefined>;
  prometheus: () => Promise<string | undefined>;
}): AlertStates {
  return {
    areListed: async () => Boolean(await urls.alertmanager()),
    async of(alerts) {
      const alertmanager = await urls.alertmanager();
      if (alertmanager) return statesInAlertmanager(alertmanager, alerts);
      const prometheus = await urls.prometheus();
      return prometheus ? statesInPrometheus(prometheus, alerts) : null;
    },
  };
}
