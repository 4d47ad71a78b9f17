import type { MonitoredCase } from '../../evaluation/monitored/case.ts';
import { configOf } from '../../evaluation/monitored/ports.ts';

/**
 * A case in a product with others: its world begins at another time, and its services, environments, and alerts have a mark
 * before their names.
 */
export type PlacedCase = { monitored: MonitoredCase; mark: string };

/** Seconds between the beginnings of two worlds: longer than what the product remembers of services. */
const APART_SECONDS = 14 * 86_400;

/** Places cases one after the other. */
export const placed = (cases: readonly MonitoredCase[]): PlacedCase[] =>
  cases.map((monitored, number) => {
    const epoch = (cases[0]?.world.epoch ?? 0) + number * APART_SECONDS;
    return { monitored: { ...monitored, world: { ...monitored.world, epoch } }, mark: `c${number}--` };
  });

/** Removes the marks from a text. */
export const unmarked = (text: string): string => text.replaceAll(/\bc\d+--/g, '');

/** Returns the catalogue of all cases, with marks. */
export function catalogueOf(cases: readonly PlacedCase[]): object {
  const services = cases.flatMap(({ monitored, mark }) =>
    Object.entries(configOf(monitored).services).map(([name, { dependsOn, environments }]): [string, object] => [
      mark + name,
      {
        dependsOn: dependsOn.map((one) => mark + one),
        environments: Object.fromEntries(
          Object.entries(environments).map(([environment, { health, ...entry }]) => [
            mark + environment,
            { ...entry, ...(health && { health: markedQueries(health, mark) }) },
          ]),
        ),
      },
    ]),
  );
  return { services: Object.fromEntries(services) };
}

const markedQueries = (health: object, mark: string): object =>
  JSON.parse(JSON.stringify(health).replaceAll(String.raw`service=\"`, String.raw`service=\"${mark}`)) as object;
