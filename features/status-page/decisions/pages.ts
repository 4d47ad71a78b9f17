import { publicComponents } from '../../../core/domain/catalogue/catalogue.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { MAIN_PAGE, type PageComponent, type StatusPageFile } from '../schemas/status-page-file.ts';

type PublicConfig = Pick<Config, 'services' | 'statusPage'>;

/** A status page with its settings. */
export type PageSettings = Omit<NonNullable<StatusPageFile['pages']>[string], 'components'> & {
  name: string;
  components: readonly PageComponent[];
};

/** Returns the public status pages by name. */
export const pagesOf = (config: PublicConfig): ReadonlyMap<string, PageSettings> => pagesFor('public', config);

/** Returns the status pages for people who are signed in, by name. */
export const internalPagesOf = (config: PublicConfig): ReadonlyMap<string, PageSettings> =>
  pagesFor('internal', config);

function pagesFor(
  audience: PageSettings['audience'],
  { services, statusPage }: PublicConfig,
): ReadonlyMap<string, PageSettings> {
  const pages: NonNullable<StatusPageFile['pages']> = statusPage.pages ?? {
    [MAIN_PAGE]: pageOfCatalogue(services),
  };
  return new Map(
    Object.entries(pages)
      .filter(([, page]) => page.audience === audience)
      .map(([name, page]) => [name, { ...page, name }]),
  );
}

const pageOfCatalogue = (services: PublicConfig['services']): NonNullable<StatusPageFile['pages']>[string] => ({
  audience: 'public',
  title: 'Status',
  timeZone: 'UTC',
  subscriptions: [],
  components: publicComponents(services).map((name) => ({ name })),
});

/** Internal pages are below this path. */
export const INTERNAL_PATH = '/console/status';

/** Returns the path of a page: `/status`, `/status/NAME`, or `/console/status/NAME`. */
export function pagePath({ audience, name }: Pick<PageSettings, 'audience' | 'name'>): string {
  if (audience === 'internal') return `${INTERNAL_PATH}/${name}`;
  return name === MAIN_PAGE ? '/status' : `/status/${name}`;
}

/**
 * Returns the address of a page for readers elsewhere, such as of feeds.
 *
 * @param publicUrl undefined: not known, so the path stands for it
 */
export const pageUrl = (page: PageSettings, publicUrl: string | undefined): string =>
  page.url?.replace(/(?<!\/)\/+$/, '') ?? `${publicUrl ?? ''}${pagePath(page)}`;

/** Returns the path of an incident or a maintenance within its page. */
export const eventPath = ({ id }: { id: string }): string => `incidents/${id}.html`;
