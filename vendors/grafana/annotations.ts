import * as z from 'zod';
import type { Annotation, Annotations } from '../../core/domain/ports/annotations.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { MESSAGE_BODY, withoutValue, vendorClient, withoutTrailingSlash } from '../shared/client.ts';
import { truncate } from '../shared/text.ts';
import { ATTEMPT_TIMEOUT_MS, FOUND_MAX, TAG_PART_MAX_BYTES, TAGS_MAX_BYTES, TEXT_MAX_CHARS } from './limits.ts';

const Created = z.object({ id: z.number() });
const FoundAnnotations = z.array(z.object({ id: z.number(), tags: z.array(z.string()).nullish() }));

type Options = {
  /** The URL of Grafana, with its subpath if it has one. */
  url: () => Promise<string | undefined>;
  /** The token of a service account with permission to read and write organization annotations. */
  token: () => Promise<string | undefined>;
  clock: Clock;
};

/**
 * Creates a client for organization annotations, which every dashboard can show by their tags.
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
 */
export function grafanaAnnotations(options: Options): Annotations {
  const client = vendorClient({
    vendor: 'Grafana',
    clock: options.clock,
    async access() {
      const [url, token] = [await options.url(), await options.token()];
      if (url && token)
        return { url: `${withoutTrailingSlash(url)}/api/annotations`, headers: { authorization: `Bearer ${token}` } };
      return { kind: 'off', detail: `annotations are off: ${url ? 'GRAFANA_TOKEN' : 'GRAFANA_URL'} is not set` };
    },
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    errorBody: MESSAGE_BODY,
  });

  return {
    async find(tag) {
      const storedTag = tagOf(tag);
      const query = new URLSearchParams({ type: 'annotation', tags: storedTag, limit: String(FOUND_MAX) });
      const response = await client({ method: 'GET', path: `?${query.toString()}`, schema: FoundAnnotations });
      if (response.kind !== 'done') return response;
      // A search for a tag without a value also finds the tag with any value.
      const newest = response.value.find(({ tags }) => tags?.includes(storedTag));
      return { kind: 'done', value: newest ? { id: String(newest.id) } : null };
    },
    async create(annotation) {
      const response = await client({ method: 'POST', path: '', body: fields(annotation), schema: Created });
      return response.kind === 'done' ? { kind: 'done', value: { id: String(response.value.id) } } : response;
    },
    async update(id, annotation) {
      const path = `/${encodeURIComponent(id)}`;
      return withoutValue(await client({ method: 'PATCH', path, body: fields(annotation), schema: z.unknown() }));
    },
  };
}

/**
 * Returns the fields of an annotation. A point in time is written as a region of length zero, so that a PATCH can
 * convert one into the other. Times are milliseconds since the Unix epoch.
 */
const fields = ({ from, until, tags, text, note, url, sourceUrl }: Annotation) => ({
  time: millisOf(from),
  timeEnd: millisOf(until ?? from),
  tags: tagsOf(tags),
  text: [
    escapeHtml(truncate(text, TEXT_MAX_CHARS)),
    ...(note === undefined ? [] : [noteHtml(note)]),
    ...(sourceUrl === undefined ? [] : [linkTo(sourceUrl, 'Open its source')]),
    ...(url === undefined ? [] : [linkTo(url, 'Open in Firebreak')]),
  ].join('<br>'),
});

/** Escapes text. Grafana renders it as HTML and removes only harmful elements, which doesn't include forged links. */
const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\n', '<br>');

/** The address is a setting of Firebreak, or from a sender that may report deploys; never from an alert. */
const linkTo = (url: string, title: string): string =>
  `<a href="${escapeHtml(url).replaceAll('"', '&quot;')}">${escapeHtml(title)}</a>`;

/** Returns the words and links of a note that fit, in order. */
function noteHtml(note: NonNullable<Annotation['note']>): string {
  const shown: string[] = [];
  let left = TEXT_MAX_CHARS;
  for (const part of note) {
    const text = truncate(typeof part === 'string' ? part : part.text, left);
    shown.push(typeof part === 'string' ? escapeHtml(text) : linkTo(part.url, text));
    left -= text.length;
    if (left <= 0) break;
  }
  return shown.join('');
}

/** Returns the tags that fit, in order. */
function tagsOf(tags: readonly string[]): string[] {
  const fitting: string[] = [];
  for (const tag of new Set(tags.map(tagOf)))
    if (tag !== '' && Buffer.byteLength(JSON.stringify([...fitting, tag])) <= TAGS_MAX_BYTES) fitting.push(tag);
  return fitting;
}

/** Returns a tag as Grafana returns it. Grafana stores a key and a value, and drops the text after a second colon. */
function tagOf(tag: string): string {
  const [key = '', ...rest] = tag.split(':');
  const value = truncateBytes(rest.join('/'));
  return value === '' ? truncateBytes(key) : `${truncateBytes(key)}:${value}`;
}

/** Truncates to the maximum bytes without splitting a character. */
const truncateBytes = (part: string): string =>
  new TextDecoder().decode(Buffer.from(part.trim()).subarray(0, TAG_PART_MAX_BYTES), { stream: true }).trim();
