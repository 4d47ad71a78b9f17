import { sha256 } from '../../aws/hash.ts';
import type { EventView, PageView } from '../../domain/status/view.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import { eventPath, pageUrl } from '../../domain/status/pages.ts';
import { overallOf, STATUS_WORDS } from '../../domain/status/words.ts';

/** Number of events in a feed. */
const LISTED = 25;

type Source = { view: PageView; publicUrl: string | undefined };

const MARKUP: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for XML, and removes characters that XML cannot contain. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll(/[&<>"']/g, (character) => MARKUP[character] ?? '');

const eventsOf = ({ incidents, maintenances, past }: PageView): EventView[] =>
  [...incidents, ...maintenances, ...past].toSorted((a, b) => (a.updated_at > b.updated_at ? -1 : 1)).slice(0, LISTED);

/**
 * Identifies an event. The public ID of an incident is unique everywhere, so it stays the same if the address of the page
 * changes. IDs of maintenances, and names of pages, are those of the configuration: the address distinguishes them from
 * those of other installations.
 */
const guidOf = (source: Source, { kind, id }: EventView): string =>
  uuidOf(['status', kind === 'incident' ? '' : hostOf(source), source.view.page.name, kind, id]);

const feedIdOf = (source: Source): string => uuidOf(['status', hostOf(source), source.view.page.name]);

const hostOf = ({ view: { page }, publicUrl }: Source): string => URL.parse(pageUrl(page, publicUrl))?.host ?? '';

/** Returns a UUID that is always the same for the same names. @see https://www.rfc-editor.org/rfc/rfc9562#section-5.8 */
function uuidOf(names: readonly string[]): string {
  const hash = sha256(JSON.stringify(names));
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0b11) | 0b1000).toString(16);
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    variant + hash.slice(17, 20),
    hash.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}

function textOf(event: EventView): string {
  const postmortem = event.kind === 'incident' ? event.postmortem : null;
  return [
    ...(postmortem === null ? [] : [`${minuteOf(postmortem.updated_at)} – Post-mortem: ${postmortem.text}`]),
    ...event.updates.map(({ at, status, text }) => `${minuteOf(at)} – ${STATUS_WORDS[status]}: ${text}`),
  ].join('\n');
}

const minuteOf = (at: Timestamp): string => `${at.slice(0, 16).replace('T', ' ')} UTC`;

/** Returns the events as RSS 2.0. */
export function rss(source: Source): string {
  const { view, publicUrl } = source;
  const url = pageUrl(view.page, publicUrl);
  const items = eventsOf(view).map(
    (event) => `<item>
<title>${escaped(event.title)}</title>
<link>${escaped(`${url}/${eventPath(event)}`)}</link>
<guid isPermaLink="false">${escaped(guidOf(source, event))}</guid>
<pubDate>${new Date(millisOf(event.updated_at)).toUTCString()}</pubDate>
<description>${escaped(textOf(event))}</description>
</item>
`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0">
<channel>
<title>${escaped(view.page.title)}</title>
<link>${escaped(url)}</link>
<description>${escaped(overallOf(view).headline)}</description>
<lastBuildDate>${new Date(millisOf(view.updated_at)).toUTCString()}</lastBuildDate>
${items.join('')}</channel>
</rss>
`;
}

/** Returns the events as Atom. */
export function atom(source: Source): string {
  const { view, publicUrl } = source;
  const url = pageUrl(view.page, publicUrl);
  const entries = eventsOf(view).map(
    (event) => `<entry>
<id>${escaped(guidOf(source, event))}</id>
<title>${escaped(event.title)}</title>
<link rel="alternate" type="text/html" href="${escaped(`${url}/${eventPath(event)}`)}"/>
<published>${event.kind === 'incident' ? event.published_at : event.announced_at}</published>
<updated>${event.updated_at}</updated>
<content type="text">${escaped(textOf(event))}</content>
</entry>
`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${feedIdOf(source)}</id>
<title>${escaped(view.page.title)}</title>
<subtitle>${escaped(overallOf(view).headline)}</subtitle>
<link rel="alternate" type="text/html" href="${escaped(url)}"/>
<updated>${view.updated_at}</updated>
<author><name>${escaped(view.page.title)}</name></author>
${entries.join('')}</feed>
`;
}

/** Width of a character of the badge's font, on average. */
const CHARACTER_WIDTH = 6.6;
const COLORS = {
  operational: '#196b35',
  under_maintenance: '#0a55a8',
  degraded_performance: '#805000',
  partial_outage: '#a13d00',
  major_outage: '#b02318',
} as const;
/** Of a page without components. */
const NO_COLOR = '#5b636d';

/** Returns the state as an SVG image, for other pages. */
export function badge({ view }: Source): string {
  const { page, state, components } = view;
  const right = overallOf(view).word;
  const color = components.length === 0 ? NO_COLOR : COLORS[state];
  const [a, b] = [page.title, right].map((text) => Math.round(text.length * CHARACTER_WIDTH) + 16) as [number, number];
  const label = escaped(`${page.title}: ${right}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${a + b}" height="22" role="img" aria-label="${label}">
<title>${label}</title><rect width="${a + b}" height="22" rx="4" fill="${color}"/><path d="M4 0h${a - 4}v22H4a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4z" fill="#3b424b"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"><text x="${a / 2}" y="15">${escaped(page.title)}</text><text x="${a + b / 2}" y="15">${right}</text></g>
</svg>
`;
}
