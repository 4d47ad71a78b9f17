import type { Config } from '../../schemas/config/config.ts';
import { MAIN_PAGE, type PageComponent, type StatusPageFile } from '../../schemas/status/status-page-file.ts';

type PublicConfig = Pick<Config, 'services' | 'statusPage'>;

/** A status page with its settings. */
export type PageSettings = Omit<NonNullable<StatusPageFile['pages']>[string], 'components'> & {
  name: string;
  components: readonly PageComponent[];
};

/** Returns the status pages by name. */
export const pagesOf = ({ services, statusPage }: PublicConfig): ReadonlyMap<string, PageSettings> =>
  new Map(
    Object.entries(statusPage.pages ?? { [MAIN_PAGE]: pageOfCatalogue(services) }).map(([name, page]) => [
      name,
      { ...page, name },
    ]),
  );

const pageOfCatalogue = (services: PublicConfig['services']): Omit<PageSettings, 'name'> => ({
  title: 'Status',
  timeZone: 'UTC',
  subscriptions: [],
  components: publicComponents(services).map((name) => ({ name })),
});

/** Returns the names of all components of the catalogue, each once. */
export const publicComponents = (services: PublicConfig['services']): string[] => [
  ...new Set(Object.values(services).flatMap(({ statusPage }) => statusPage?.components ?? [])),
];

/** Returns the path of a page: `/status`, or `/status/NAME`. */
export const pagePath = ({ name }: PageSettings): string => (name === MAIN_PAGE ? '/status' : `/status/${name}`);

/**
 * Returns the address of a page for readers elsewhere, such as of feeds.
 *
 * @param publicUrl undefined: not known, so the path stands for it
 */
export const pageUrl = (page: PageSettings, publicUrl: string | undefined): string =>
  page.url?.replace(/\/+$/, '') ?? `${publicUrl ?? ''}${pagePath(page)}`;

/** Returns the path of an incident or a maintenance within its page. */
export const eventPath = ({ id }: { id: string }): string => `incidents/${id}.html`;
