import { PAGES } from '../../../entrances/console/pages/index.ts';

/** What stands in the place of parameters. */
export type Names = { service: string; slo: string; incident: string };

type Operation = { parameters?: { in: string; name: string; required?: boolean }[] };

/** Returns a path for each GET in a description of the API (OpenAPI), with the parameters that it requires, and for each page of the console. */
export const getPaths = (document: unknown, names: Names): string[] => [
  ...pathsIn(document as { paths: Record<string, { get?: Operation }> }, names),
  ...PAGES.map(({ path }) => path.replaceAll(/:(\w+)/g, (_, name: string) => valueOf(name, path, names))),
];

const pathsIn = (document: { paths: Record<string, { get?: Operation }> }, names: Names): string[] =>
  Object.entries(document.paths).flatMap(([path, { get: operation }]) => {
    if (operation === undefined) return [];
    const query = (operation.parameters ?? [])
      .filter((one) => one.in === 'query' && one.required === true)
      .map(({ name }) => `${name}=${valueOf(name, path, names)}`);
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => valueOf(name, path, names));
    return [query.length === 0 ? filled : `${filled}?${query.join('&')}`];
  });

const valueOf = (name: string, path: string, { service, slo, incident }: Names): string =>
  name === 'environment'
    ? 'production'
    : name !== 'id'
      ? service
      : path.includes('/slos/') || path.includes('/objectives/')
        ? slo
        : path.includes('/incidents/')
          ? incident
          : 'none';
