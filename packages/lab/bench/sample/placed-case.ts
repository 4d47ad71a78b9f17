import type { MonitoredCase } from '../../evaluation/monitored/case.ts';
import { configOf } from '../../evaluation/monitored/ports.ts';

/**
 * A case that is replayed after others in the same product. Its simulated system begins at a later time, and a prefix makes
 * the names of its services, environments, and alerts unique.
 */
export type PlacedCase = { monitored: MonitoredCase; prefix: string };

/** Seconds between the beginnings of two cases: longer than the period for which the product searches the history of a service. */
const APART_SECONDS = 14 * 86_400;

/** Places cases one after the other. */
export const placeCases = (cases: readonly MonitoredCase[]): PlacedCase[] =>
  cases.map((monitored, number) => {
    const epoch = (cases[0]?.world.epoch ?? 0) + number * APART_SECONDS;
    return { monitored: { ...monitored, world: { ...monitored.world, epoch } }, prefix: `c${number}--` };
  });

/** Removes the prefixes from a text. */
export const withoutPrefixes = (text: string): string => text.replaceAll(/\bc\d+--/g, '');

/** Returns the catalogue of all cases, with prefixes. */
export function catalogueOf(cases: readonly PlacedCase[]): object {
  const services = cases.flatMap(({ monitored, prefix }) =>
    Object.entries(configOf(monitored).services).map(([name, { dependsOn, environments }]): [string, object] => [
      prefix + name,
      {
        dependsOn: dependsOn.map((one) => prefix + one),
        environments: Object.fromEntries(
          Object.entries(environments).map(([environment, { health, ...entry }]) => [
            prefix + environment,
            { ...entry, ...(health && { health: prefixedQueries(health, prefix) }) },
          ]),
        ),
      },
    ]),
  );
  return { services: Object.fromEntries(services) };
}

const prefixedQueries = (health: object, prefix: string): object =>
  JSON.parse(JSON.stringify(health).replaceAll(String.raw`service=\"`, String.raw`service=\"${prefix}`)) as object;
