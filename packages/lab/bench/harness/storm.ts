import { names } from './incident.ts';
import { BENCH_TOKEN, group } from './product.ts';
import type { Program } from './program.ts';
import type { Vendors } from './vendors.ts';
import { prepared, wireTo } from './wire.ts';

const CONNECTIONS = 10;

/** A storm: groups of alerts, each of another service. */
export type Storm = { services: readonly string[]; alertsEach: number };

/** Returns 10,000 alerts in 500 groups, or fewer. Services must differ between storms. */
export const stormOf = (prefix: string, isShort: boolean): Storm => ({
  services: names(prefix, isShort ? 20 : 500),
  alertsEach: 20,
});

export const sizeOf = ({ services, alertsEach }: Storm): string =>
  `${services.length * alertsEach} alerts in ${services.length} groups`;

/** Sends a storm. Resolves when all requests are answered. */
export async function sendStorm({ url }: Pick<Program, 'url'>, { services, alertsEach }: Storm): Promise<void> {
  const headers = { authorization: `Bearer ${BENCH_TOKEN}` };
  const requests = services
    .map((service) =>
      prepared('POST', '/v1/alerts/alertmanager', headers, JSON.stringify(group([service], alertsEach))),
    )
    .values();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const wire = await wireTo(url);
      try {
        for (const request of requests) await wire.send(request);
      } finally {
        wire.close();
      }
    }),
  );
}

/** Resolves when the incident of each service is open and its page has arrived at the pager. */
export const untilPaged = async (vendors: Vendors, { services }: Storm): Promise<void> =>
  void (await Promise.all(services.map((service) => vendors.page(service))));
