import type { PageSettings } from '../pages.ts';

/** The public pages for subscriptions answer this path and those below it. */
export const SUBSCRIPTIONS_PATH = '/status/subscriptions';

/** What a link leads to. A link for one purpose is refused for another one. */
export const LINK_PURPOSES = ['confirm', 'manage', 'unsubscribe'] as const;
export type LinkPurpose = (typeof LINK_PURPOSES)[number];

/** Returns the path of the form to subscribe to a page. */
export const subscriptionsPath = ({ name }: Pick<PageSettings, 'name'>): string => `${SUBSCRIPTIONS_PATH}/${name}`;

/** Writes the part of a link that names a subscription: `<id>.<code>`. */
export const linkText = (id: string, code: string): string => `${id}.${code}`;

/** Reads that part. Undefined: it is not of this form. */
export function readLink(text: string): { id: string; code: string } | undefined {
  const [, id, code] = /^([0-9a-f]{32})\.([\w-]{43})$/.exec(text) ?? [];
  return id === undefined || code === undefined ? undefined : { id, code };
}
