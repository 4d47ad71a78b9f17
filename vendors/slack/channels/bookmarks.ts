import * as z from 'zod';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import { valueIfRefused } from '../failures.ts';
import type { CallSlack } from '../client.ts';
import type { AppIdentity } from '../identity.ts';
import { LABEL_MAX_CHARS } from '../limits.ts';
import { httpUrl, plainOneLine, unescaped } from '../mrkdwn.ts';

type Link = { title: string; url: string };

const Bookmark = z.object({
  id: z.string(),
  title: z.string().nullish(),
  link: z.string().nullish(),
  last_updated_by_user_id: z.string().nullish(),
});

const Listed = z.object({ bookmarks: z.array(Bookmark).default([]) });

/**
 * Sets the app's bookmarks to `links`, with one call to list them and one per difference. Never changes a bookmark that
 * a person added or edited, and doesn't add the same URL beside it. Slack doesn't report who added a bookmark, only who
 * last updated it. An app without permission to list bookmarks adds all links.
 *
 * @throws CallFailed possibly after some changes; the next attempt continues
 */
export async function setBookmarks(
  callSlack: CallSlack,
  me: () => Promise<AppIdentity>,
  channel: string,
  links: readonly Link[],
): Promise<void> {
  const user = (await valueIfRefused(me(), null))?.user ?? null;
  const { bookmarks } = await valueIfRefused(callSlack('bookmarks.list', { channel_id: channel }, Listed), {
    bookmarks: [],
  });
  const ownBookmarks = bookmarks.filter((bookmark) => user !== null && bookmark.last_updated_by_user_id === user);
  const otherUrls = new Set(
    bookmarks.filter((bookmark) => !ownBookmarks.includes(bookmark)).map(({ link }) => comparable(link)),
  );

  // As it is sent, or it would differ from what Slack lists.
  const wanted = distinct(withoutCredentials(links)).filter(({ url }) => !otherUrls.has(url));
  const current = ownBookmarks.filter((bookmark) => wanted.some((link) => isSame(bookmark, link)));
  const missing = wanted.filter((link) => !current.some((bookmark) => isSame(bookmark, link)));
  const stale = ownBookmarks.filter((bookmark) => !current.includes(bookmark));

  for (const { title, url } of missing) {
    const { id } = stale.shift() ?? {};
    const fields = { channel_id: channel, title: plainOneLine(title, LABEL_MAX_CHARS), link: url };
    if (id === undefined) await callSlack('bookmarks.add', { ...fields, type: 'link' }, z.unknown());
    else await callSlack('bookmarks.edit', { ...fields, bookmark_id: id }, z.unknown());
  }
  for (const { id } of stale)
    await callSlack('bookmarks.remove', { channel_id: channel, bookmark_id: id }, z.unknown());
}

/** Returns the valid links, each URL once, in the form that is sent. */
function distinct(links: readonly Link[]): Link[] {
  const byUrl = new Map<string, Link>();
  for (const { title, url } of links) {
    const address = httpUrl(url);
    if (address !== null && !byUrl.has(address)) byUrl.set(address, { title: title.trim() || address, url: address });
  }
  return [...byUrl.values()];
}

const isSame = ({ title, link }: z.infer<typeof Bookmark>, wanted: Link): boolean =>
  comparable(link) === wanted.url && unescaped(title ?? '') === unescaped(plainOneLine(wanted.title, LABEL_MAX_CHARS));

/** Slack returns URLs in escaped form. */
const comparable = (link: string | null | undefined): string | null => httpUrl(unescaped(link ?? ''));
