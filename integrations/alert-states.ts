import type { AlertStates } from '../domain/ports.ts';
import { statesInAlertmanager } from './alertmanager/alert-states.ts';
import { NoAnswer } from './http.ts';
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
    areListed: async () => Boolean(await urls.alertmanager().catch(unanswered(true))),
    async of(alerts) {
      try {
        const alertmanager = await urls.alertmanager();
        if (alertmanager) return await statesInAlertmanager(alertmanager, alerts);
        const prometheus = await urls.prometheus();
        return prometheus ? await statesInPrometheus(prometheus, alerts) : null;
      } catch (error) {
        return unanswered(null)(error);
      }
    },
  };
}

/** Where the addresses are not known, neither are the alerts. */
const unanswered =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof NoAnswer) return instead;
    throw error;
  };
