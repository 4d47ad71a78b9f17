import { figuresOf } from '../../domain/delivery/figures.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { DoraFigures } from '../../schemas/delivery/dora.ts';
import { type DeliveryDeps, deliveryReport } from './report.ts';

const DAY_SECONDS = 24 * 3600;

/** Computes the figures of the last days for each service of the catalogue in each production environment. */
export async function figuresByService(
  deps: DeliveryDeps,
  days: number,
): Promise<(ServiceEnvironment & { figures: DoraFigures })[]> {
  const { services, delivery } = await deps.config.current();
  const { deploys, infrastructure, incidents } = await deliveryReport(deps, {
    seconds: days * DAY_SECONDS,
    scope: {},
    // The catalogue bounds the number of series.
    isVisible: ({ service }) => Object.hasOwn(services, service),
  });
  const keyOf = ({ service, environment }: ServiceEnvironment): string => JSON.stringify([service, environment]);
  const [deploysOf, appliesOf] = [Map.groupBy(deploys, keyOf), Map.groupBy(infrastructure, keyOf)];
  const incidentsOf = Map.groupBy(incidents, keyOf);
  const serviceEnvironments = new Map([...deploys, ...infrastructure, ...incidents].map((one) => [keyOf(one), one]));
  return [...serviceEnvironments].map(([name, { service, environment }]) => ({
    service,
    environment,
    figures: figuresOf(
      deploysOf.get(name) ?? [],
      incidentsOf.get(name) ?? [],
      days,
      delivery,
      appliesOf.get(name) ?? [],
    ),
  }));
}
