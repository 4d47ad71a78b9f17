import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Link, Story } from '../messages/story.ts';

/** Links and images of a page. */
export type PageAttachments = { links: { href: string; text: string }[]; images: { src: string; alt: string }[] };

const IMAGES = ['image', 'image_url', 'graph', 'graph_url'];
const IMAGES_MAX = 3;

/** Complete https URL: the pager shows only https images, and a URL truncated in a long text is invalid. */
const WHOLE_HTTPS = /^https:\/\/.*[^…]$/is;

/** Returns the links of an incident, and the images from the alerts' annotations, each once. */
export function pageAttachments(signals: readonly Signal[], links: readonly Link[]): PageAttachments {
  const images = signals.flatMap(({ title, annotations }) =>
    annotations.flatMap(([name, value]) =>
      IMAGES.includes(name) && WHOLE_HTTPS.test(value) ? [{ src: value, alt: title }] : [],
    ),
  );
  return {
    links: links.map(({ title, url }) => ({ href: url, text: title })),
    images: images
      .filter(({ src }, index) => images.findIndex((image) => image.src === src) === index)
      .slice(0, IMAGES_MAX),
  };
}

/**
 * Returns a link to the incident's Slack channel. Null: there is none yet.
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
