import { group } from '../../../support/alerts.ts';
import type { Firebreak } from '../../../support/firebreak.ts';
import { deliver, type Inbound, seen } from '../../../support/fixtures.ts';

/** An environment with automatic rollbacks. */
export const actingIn = (environment: string) => ({
  environments: {
    [environment]: {
      deployer: { kind: 'http' },
      autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
    },
  },
});

/**
 * A separate environment for each service: simultaneous failures of others would speak against its deploy as the cause.
 */
export const homeOf = (service: string): string => `${service}-prod`;
export const atHome = (service: string) => ({ service, environment: homeOf(service) });

export const all = (services: readonly string[], entry: unknown) =>
  Object.fromEntries(services.map((name) => [name, entry]));

export function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the fixture holds no such request');
  return value;
}

/** Helpers of the tests that send alerts, over HTTP only. */
export class Alerting {
  readonly #firebreak: () => Firebreak;

  constructor(firebreak: () => Firebreak) {
    this.#firebreak = firebreak;
  }

  send = (request: Inbound | undefined) => deliver(this.#firebreak(), '/v1/alerts/alertmanager', given(request));
  sendAlerts = (...alerts: object[]) => this.#firebreak().post('/v1/alerts/alertmanager', group(alerts));

  /** v1 has been good for hours, and v2 finished three minutes before `problem`. */
  deployed = async (service: string, problem: string | number, environment = homeOf(service)): Promise<void> => {
    const at = (minutes: number) => new Date(new Date(problem).getTime() - minutes * 60_000).toISOString();
    for (const [version, start] of [
      ['v1', 240],
      ['v2', 6],
    ] as const) {
      const times = { started_at: at(start), finished_at: at(start - 3) };
      await this.#firebreak().post('/v1/deployments', { service, environment, version, ...times });
    }
  };

  incidentsOf = async (service: string): Promise<any[]> =>
    (await this.#firebreak().get(`/v1/incidents?service=${encodeURIComponent(service)}`)).body.items;

  /** Waits for the newest incident of the service to match. */
  incident = (service: string, is: (incident: any) => boolean = () => true) =>
    seen(async () => {
      const incidents = await this.incidentsOf(service);
      const found = incidents.find(is);
      if (found === undefined) throw new Error(`does not match: ${JSON.stringify(incidents)}`);
      return found;
    }, `the incident of ${service}`);

  judged = (service: string) => this.incident(service, ({ decisions }) => decisions.length > 0);

  pagesFor = async ({ id }: { id: string }) =>
    (await this.#firebreak().calls('pagerduty')).filter(
      ({ body }) => body.event_action === 'trigger' && String(body.dedup_key).startsWith(id),
    );

  paged = (one: { id: string }) =>
    seen(async () => {
      const pages = await this.pagesFor(one);
      return pages.length > 0 && pages;
    }, 'a page');

  rollbacksOf = async (service: string) =>
    (await this.#firebreak().calls('cd')).filter(({ method, body }) => method === 'POST' && body.service === service);
}
