import {
  inConfiguredSpelling,
  looselyNamed,
  type NamingConfig,
  serviceNamed,
} from '../../../core/domain/catalogue/known-names.ts';
import { repositoryPathOf } from '../../../core/domain/catalogue/repositories.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';

type Names = {
  service?: ServiceName | null | undefined;
  repository?: string | null | undefined;
  pipeline?: string | null | undefined;
};

/**
 * Returns the service of a pipeline: the named one, as the configuration writes it, or that of the repository. Null: none, or
 * several.
 */
export const serviceOfPipeline = (config: NamingConfig, names: Names): ServiceName | null =>
  inConfiguredSpelling(config, names).service ?? serviceOfRepository(config.services, names);

/** Returns the service of the catalogue that a report names. Undefined: the catalogue has none. */
export const serviceReported = (services: Config['services'], name: string): ServiceName | undefined =>
  serviceNamed(services, name) ?? looselyNamed(services, name);

/** Returns the only service of a repository, or of several, the one that lists the pipeline. Null: none, or several. */
export function serviceOfRepository(
  services: Config['services'],
  { repository, pipeline }: Omit<Names, 'service'>,
): ServiceName | null {
  if (repository == null) return null;
  const all = Object.entries(services).filter(([, entry]) => isSame(entry.repository, repository));
  const listed = all.filter(([, entry]) => pipeline != null && entry.pipelines.includes(pipeline));
  const [only, ...more] = listed.length > 0 ? listed : all.length === 1 ? all : [];
  return only === undefined || more.length > 0 ? null : (only[0] as ServiceName);
}

const isSame = (a: string | undefined, b: string): boolean =>
  a !== undefined && repositoryPathOf(a) === repositoryPathOf(b);
