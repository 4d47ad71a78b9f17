import type { Signal } from '../schemas/signal.ts';
import { linksOf, type Story } from './story.ts';

/** What stands beside a page for whoever was woken: where to look next, and pictures that the alert brings. */
export type Beside = { links: { href: string; text: string }[]; images: { src: string; alt: string }[] };

const IMAGES = ['image', 'image_url', 'graph', 'graph_url'];
const IMAGES_MAX = 3;

/** The pager shows pictures from https alone. Half an address, as a long text of an alert is cut, leads nowhere. */
const WHOLE_HTTPS = /^https:\/\/.*[^…]$/is;

/** Links and pictures that the alerts name in their annotations; each picture once. */
export function besidePage(signals: readonly Signal[]): Beside {
  const images = signals.flatMap(({ title, annotations }) =>
    annotations.flatMap(([name, value]) =>
      IMAGES.includes(name) && WHOLE_HTTPS.test(value) ? [{ src: value, alt: title }] : [],
    ),
  );
  return {
    links: linksOf(signals).map(({ title, url }) => ({ href: url, text: title })),
    images: images.filter(({ src }, n) => images.findIndex((one) => one.src === src) === n).slice(0, IMAGES_MAX),
  };
}

/**
 * The incident's channel in Slack. Null: there is none yet.
 *
 * @see https://docs.slack.dev/interactivity/deep-linking (Opening a channel by name or ID; read 2026-11)
 */
export const channelLink = ({ channel, channel_id: id }: Story['incident']): { href: string; text: string } | null =>
  id === undefined
    ? null
    : {
        href: `https://slack.com/app_redirect?channel=${encodeURIComponent(id)}`,
        text: `Slack ${channel ?? 'channel'}`,
      };
