import { sha256 } from '../../../core/stores/hash.ts';
import type { EventView, PageView } from '../decisions/view.ts';
import { millisOf, minuteText } from '../../../schemas/time/time.ts';
import { eventPath, pageUrl } from '../decisions/pages.ts';
import { overallOf, STATUS_WORDS } from '../decisions/words.ts';
import type { PageSource } from './api.ts';

/** Number of events in a feed. */
const EVENTS_MAX = 25;

const XML_ENTITIES: Readonly<Record<string, string>> = {
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
    .replaceAll(/[&<>"']/g, (character) => XML_ENTITIES[character] ?? '');

const eventsOf = ({ incidents, maintenances, past }: PageView): EventView[] =>
  [...incidents, ...maintenances, ...past]
    .toSorted((a, b) => (a.updated_at > b.updated_at ? -1 : 1))
    .slice(0, EVENTS_MAX);

/**
 * Identifies an event. The public ID of an incident is unique everywhere, so it stays the same if the address of the page
 * changes. IDs of maintenances, and names of pages, are those of the configuration: the address distinguishes them from
 * those of other installations.
 */
const guidOf = (source: PageSource, { kind, id }: EventView): string =>
  uuidOf(['status', kind === 'incident' ? '' : hostOf(source), source.view.page.name, kind, id]);

const feedIdOf = (source: PageSource): string => uuidOf(['status', hostOf(source), source.view.page.name]);

const hostOf = ({ view: { page }, publicUrl }: PageSource): string => URL.parse(pageUrl(page, publicUrl))?.host ?? '';

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
    ...(postmortem === null ? [] : [`${minuteText(postmortem.updated_at)} – Post-mortem: ${postmortem.text}`]),
    ...event.updates.map(({ at, status, text }) => `${minuteText(at)} – ${STATUS_WORDS[status]}: ${text}`),
  ].join('\n');
}

/** Returns the events as RSS 2.0. */
export function rss(source: PageSource): string {
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
export function atom(source: PageSource): string {
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

/** Pixels beside the texts of the badge, on each side. */
const PADDING = 8;

/** Average width in pixels of a character in the badge's font. */
const CHARACTER_WIDTH = 6.6;
const COLORS = {
  operational: '#196b35',
  under_maintenance: '#0a55a8',
  degraded_performance: '#805000',
  partial_outage: '#a13d00',
  major_outage: '#b02318',
} as const;
/** Color of a page without components. */
const NO_COMPONENTS_COLOR = '#5b636d';

/** Returns the state as an SVG image, for other pages. */
export function badge({ view }: PageSource): string {
  const { page, state, components } = view;
  const stateWord = overallOf(view).word;
  const color = components.length === 0 ? NO_COMPONENTS_COLOR : COLORS[state];
  const [left, right] = [page.title, stateWord].map(
    (text) => Math.round(text.length * CHARACTER_WIDTH) + 2 * PADDING,
  ) as [number, number];
  const width = left + right;
  const label = escaped(`${page.title}: ${stateWord}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="22" role="img" aria-label="${label}">
<title>${label}</title><rect width="${width}" height="22" rx="4" fill="${color}"/><path d="M4 0h${left - 4}v22H4a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4z" fill="#3b424b"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"><text x="${left / 2}" y="15">${escaped(page.title)}</text><text x="${left + right / 2}" y="15">${stateWord}</text></g>
</svg>
`;
}
