import * as z from 'zod';
import { orRefused } from './answers.ts';
import type { Ask } from './client.ts';
import type { Me } from './identity.ts';
import { LABEL_MAX_CHARS } from './limits.ts';
import { httpUrl, plain, unescaped } from './mrkdwn.ts';

type Link = { title: string; url: string };

const Bookmark = z.object({
  id: z.string(),
  title: z.string().nullish(),
  link: z.string().nullish(),
  last_updated_by_user_id: z.string().nullish(),
});

const Listed = z.object({ bookmarks: z.array(Bookmark).default([]) });

/**
 * Makes the bookmarks that the app has made last be these, with as few calls as it takes: one to list, and one for each
 * difference. A bookmark that a person has made or changed is that person's; the same address is not added beside it.
 * Slack does not tell who made a bookmark, only who changed it last. An app that may add bookmarks, but not list them, adds
 * those that are wanted.
 *
 * @throws CallFailed after some of them, perhaps; the next attempt goes on from there
 */
export async function setBookmarks(
  ask: Ask,
  me: () => Promise<Me>,
  channel: string,
  links: readonly Link[],
): Promise<void> {
  const user = (await orRefused(me(), null))?.user ?? null;
  const { bookmarks } = await orRefused(ask('bookmarks.list', { channel_id: channel }, Listed), { bookmarks: [] });
  const ours = bookmarks.filter((bookmark) => user !== null && bookmark.last_updated_by_user_id === user);
  const theirs = new Set(bookmarks.filter((bookmark) => !ours.includes(bookmark)).map(({ link }) => comparable(link)));

  const wanted = distinct(links).filter(({ url }) => !theirs.has(url));
  const kept = ours.filter((bookmark) => wanted.some((link) => isSame(bookmark, link)));
  const missing = wanted.filter((link) => !kept.some((bookmark) => isSame(bookmark, link)));
  const stale = ours.filter((bookmark) => !kept.includes(bookmark));

  for (const { title, url } of missing) {
    const { id } = stale.shift() ?? {};
    const fields = { channel_id: channel, title: plain(title, LABEL_MAX_CHARS), link: url };
    if (id === undefined) await ask('bookmarks.add', { ...fields, type: 'link' }, z.unknown());
    else await ask('bookmarks.edit', { ...fields, bookmark_id: id }, z.unknown());
  }
  for (const { id } of stale) await ask('bookmarks.remove', { channel_id: channel, bookmark_id: id }, z.unknown());
}

/** Those that may be links, each address once, in the form that is sent. */
function distinct(links: readonly Link[]): Link[] {
  const byUrl = new Map<string, Link>();
  for (const { title, url } of links) {
    const address = httpUrl(url);
    if (address !== null && !byUrl.has(address)) byUrl.set(address, { title: title.trim() || address, url: address });
  }
  return [...byUrl.values()];
}

const isSame = ({ title, link }: z.infer<typeof Bookmark>, wanted: Link): boolean =>
  comparable(link) === wanted.url && unescaped(title ?? '') === unescaped(plain(wanted.title, LABEL_MAX_CHARS));

/** Slack gives addresses back escaped. */
const comparable = (link: string | null | undefined): string | null => httpUrl(unescaped(link ?? ''));
