import { publicComponents } from '../../../core/domain/catalogue/catalogue.ts';
import { configuredEnvironments, type NamingConfig } from '../../../core/domain/catalogue/known-names.ts';
import type { Problem } from '../../../core/domain/lint/problem.ts';
import { didYouMean } from '../../../schemas/parsing/similar-names.ts';
import { type Locate, warningAt } from '../../../core/domain/lint/source-locations.ts';
import type { Config } from '../../../schemas/config/config.ts';

/** Reports environments of the status page that no service has. */
export function lintStatusPage(config: NamingConfig & Pick<Config, 'statusPage'>, locate: Locate): Problem[] {
  const known = configuredEnvironments(config);
  if (Object.keys(config.services).length === 0) return [];
  const environments = config.statusPage.environments.flatMap((name, index) =>
    known.has(name)
      ? []
      : [
          warningAt(
            locate(['environments', index]),
            `no service has an environment "${name}", so the status page never shows it`,
            didYouMean(name, known),
          ),
        ],
  );
  return [...environments, ...unknownComponents(config, locate)];
}

/** Reports components of pages and maintenances that no service has: incidents never affect them. */
function unknownComponents(
  { services, statusPage }: Pick<Config, 'services' | 'statusPage'>,
  locate: Locate,
): Problem[] {
  const known = publicComponents(services);
  const named = [
    ...Object.entries(statusPage.pages ?? {}).flatMap(([page, { components }]) =>
      components.map(({ name }, index) => ({ name, path: ['pages', page, 'components', index] })),
    ),
    ...statusPage.maintenance.flatMap(({ components }, n) =>
      components.map((name, index) => ({ name, path: ['maintenance', n, 'components', index] })),
    ),
  ];
  return named.flatMap(({ name, path }) =>
    known.includes(name)
      ? []
      : [warningAt(locate(path), `no service has the component "${name}"`, didYouMean(name, known))],
  );
}
