import type { Config } from '../../../schemas/config/config.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { environmentNamed, serviceNamed } from './known-names.ts';

/** Labels that name the service of a series, the most specific first. Every series of a target has the label `job`. */
export const SERVICE_LABELS = [
  'service',
  'service_name',
  'app_kubernetes_io_name',
  'app',
  'destination_service_name',
  'sloth_service',
  'job',
] as const;
export const ENVIRONMENT_LABELS = ['environment', 'env'] as const;

type Series = Readonly<Record<string, string>>;

/**
 * Says which other services or environments the series of one selector are of. A name counts if it is that of another service or
 * environment of the catalogue, or stands beside the own one. Null: the series name no others.
 */
export function otherScope(
  { services }: Pick<Config, 'services'>,
  { service, environment }: ServiceEnvironment,
  series: readonly Series[],
): string | null {
  const environments = Object.keys(services[service]?.environments ?? {});
  const isOther = {
    service: (value: string) => (serviceNamed(services, value) ?? service) !== service,
    environment: (value: string) => (environmentNamed(value, environments) ?? environment) !== environment,
  };
  const ownNames = {
    service: (value: string) => value === service || serviceNamed(services, value) === service,
    environment: (value: string) => environmentNamed(value, [environment]) !== undefined,
  };
  const labels = [
    ...SERVICE_LABELS.map((label) => ({ label, of: 'service' as const })),
    ...ENVIRONMENT_LABELS.map((label) => ({ label, of: 'environment' as const })),
  ];
  for (const { label, of } of labels) {
    const values = [...new Set(series.flatMap((one) => one[label] || []))];
    const own = values.filter(ownNames[of]);
    // A job can have several names: a service is often scraped by more than one.
    const others = values.filter(
      (value) => isOther[of](value) || (label !== 'job' && own.length > 0 && !own.includes(value)),
    );
    if (others.length > 0)
      return `of other ${of}s, too (${label}: ${others.toSorted().slice(0, 3).join(', ')}); add a matcher such as ${label}=${JSON.stringify(own[0] ?? (of === 'service' ? service : environment))}`;
  }
  return null;
}
