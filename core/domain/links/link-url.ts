import type { LinkTemplate } from '../../../schemas/links/links.ts';
import { placeholderProblems, templateParts } from '../../../schemas/links/placeholders.ts';
import { type QueryLanguage, queryParts } from '../../../schemas/links/queries.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';

/** Values of placeholders by name, and the time range. Undefined: the value is not known. */
export type LinkValues = { from: Timestamp; to: Timestamp; of(name: string): string | undefined };

/** Longer URLs are refused by servers and chat systems. */
export const URL_MAX_CHARS = 4000;

/** Thrown if a value is not known, or if the template cannot contain it; `linkUrl` catches it. */
class NoLink extends Error {}

/**
 * Returns the URL of a template. Each value is encoded for its place: as a string of the query's language, then for the
 * format around it, then for the URL. Null: a value is not known, or no valid URL can contain it.
 */
export function linkUrl(template: LinkTemplate, values: LinkValues): string | null {
  try {
    const url = urlOf(template, values);
    return url.length <= URL_MAX_CHARS && URL.canParse(url) ? url : null;
  } catch (error) {
    if (error instanceof NoLink) return null;
    throw error;
  }
}

function urlOf(template: LinkTemplate, values: LinkValues): string {
  const { from, to } = values;
  switch (template.kind) {
    case 'url': {
      const url = withValues(template.url, values, encoded);
      // A URL parser would leave out such a segment together with the one before it.
      if (/(^|\/)\.{1,2}(\/|$)/.test(url.split(/[?#]/)[0] ?? '')) throw new NoLink();
      return url;
    }
    case 'grafana-loki':
      return grafanaExploreUrl(template, values, {
        type: 'loki',
        query: { expr: queryWithValues(template.query, 'logql', values), queryType: 'range', editorMode: 'code' },
      });
    case 'grafana-tempo':
      return grafanaExploreUrl(template, values, {
        type: 'tempo',
        query: {
          query: queryWithValues(template.query, 'traceql', values),
          queryType: 'traceql',
          limit: 20,
          tableType: 'traces',
        },
      });
    case 'jaeger': {
      const { operation, tags, service, limit } = template;
      const tagValues = Object.entries(tags ?? {}).map(([name, value]) => [name, withValues(value, values)]);
      return urlAt(template.url, '/search', {
        service: withValues(service, values),
        ...(operation !== undefined && { operation: withValues(operation, values) }),
        ...(tagValues.length > 0 && { tags: JSON.stringify(Object.fromEntries(tagValues)) }),
        start: String(microsOf(from)),
        end: String(microsOf(to)),
        lookback: 'custom',
        limit: String(limit),
      });
    }
    case 'kibana': {
      const { dataView, columns, language } = template;
      return urlAt(template.url, '/app/discover#/', {
        _g: rison({ filters: [], refreshInterval: { pause: true, value: 60_000 }, time: { from, to } }),
        _a: rison({
          columns,
          dataSource: { dataViewId: dataView, type: 'dataView' },
          filters: [],
          // Read by versions before 8.15.
          index: dataView,
          interval: 'auto',
          query: { language, query: queryWithValues(template.query, language, values) },
        }),
      });
    }
    case 'opensearch-dashboards': {
      const { indexPattern, columns, language } = template;
      return urlAt(template.url, '/app/data-explorer/discover#', {
        _a: rison({
          discover: { columns: columns.length > 0 ? columns : ['_source'], isDirty: false, sort: [] },
          metadata: { indexPattern, view: 'discover' },
        }),
        _g: rison({ filters: [], refreshInterval: { pause: true, value: 0 }, time: { from, to } }),
        _q: rison({ filters: [], query: { language, query: queryWithValues(template.query, language, values) } }),
      });
    }
  }
}

/** @see https://grafana.com/docs/grafana/latest/explore/ (URL of Explore, schema version 1; read 2026-11) */
function grafanaExploreUrl(
  { url, datasource: uid, orgId }: { url: string; datasource: string; orgId?: number | undefined },
  { from, to }: LinkValues,
  { type, query: fields }: { type: string; query: Record<string, unknown> },
): string {
  const pane = {
    datasource: uid,
    queries: [{ refId: 'A', datasource: { type, uid }, ...fields }],
    range: { from: String(millisOf(from)), to: String(millisOf(to)) },
  };
  return urlAt(url, '/explore', {
    schemaVersion: '1',
    panes: JSON.stringify({ firebreak: pane }),
    ...(orgId !== undefined && { orgId: String(orgId) }),
  });
}

const urlAt = (base: string, path: string, parameters: Readonly<Record<string, string>>): string =>
  `${base.replace(/(?<!\/)\/+$/, '')}${path}?${Object.entries(parameters)
    .map(([name, value]) => `${name}=${encoded(value)}`)
    .join('&')}`;

/**
 * Encodes a text for any place in a URL, also the characters that `encodeURIComponent` leaves: programs that find URLs
 * in texts leave out a closing parenthesis at the end.
 */
const encoded = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replaceAll(
    /['()!*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Returns a query in which every value is the content of a string. */
function queryWithValues(text: string, language: QueryLanguage, values: LinkValues): string {
  const { parts, problems } = queryParts(text, language);
  if (problems.length > 0 || placeholderProblems(text).length > 0) throw new NoLink();
  return parts
    .map((part) => {
      if ('text' in part) return part.text;
      const value = valueOf(part.value, values).toWellFormed();
      const pattern = part.isRegex ? value.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`) : value;
      return language === 'logql' || language === 'traceql' ? inGoString(pattern) : inPhrase(pattern);
    })
    .join('');
}

/** Escapes a text for a string of Go, also `$`, with which Grafana begins its variables. */
const inGoString = (text: string): string =>
  text
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll(/[$\p{Cc}\u2028\u2029]/gu, (char) => String.raw`\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Escapes a text for a phrase in KQL and Lucene, in which wildcards and operators have no meaning. */
const inPhrase = (text: string): string => text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll(/\p{Cc}/gu, ' ');

const withValues = (text: string, values: LinkValues, encode = (value: string): string => value): string =>
  templateParts(text)
    .map((part) => ('text' in part ? part.text : encode(valueOf(part.value, values))))
    .join('');

/** Returns the value of a placeholder, such as `service` or `from.ms`. @throws NoLink if it is not known */
function valueOf(name: string, { from, to, of }: LinkValues): string {
  const [bound = '', unit = ''] = name.split('.');
  const value = bound === 'from' ? timeIn(from, unit) : bound === 'to' ? timeIn(to, unit) : of(name);
  if (value === undefined || value === '') throw new NoLink();
  return value;
}

function timeIn(time: Timestamp, unit: string): string | undefined {
  switch (unit) {
    case 'iso':
      return time;
    case 's':
      return String(Math.floor(millisOf(time) / 1000));
    case 'ms':
      return String(millisOf(time));
    case 'us':
      return String(microsOf(time));
    default:
      return undefined;
  }
}

const microsOf = (time: Timestamp): number => millisOf(time) * 1000;

/** A value in rison, with which Kibana and OpenSearch Dashboards write their state in URLs. */
export type Rison = string | number | boolean | null | readonly Rison[] | { readonly [key: string]: Rison };

/** A text that needs no quotes: it contains no reserved character, and does not begin like a number. */
const IDENTIFIER = /^[^-0-9 '!:(),*@$][^ '!:(),*@$]*$/;

/**
 * Returns a value as rison, not yet encoded for a URL.
 *
 * @see https://github.com/Nanonid/rison (read 2026-11)
 */
export function rison(value: Rison): string {
  if (value === null) return '!n';
  if (typeof value === 'boolean') return value ? '!t' : '!f';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value).replace('+', '') : '!n';
  if (typeof value === 'string')
    return IDENTIFIER.test(value) ? value : `'${value.replaceAll(/['!]/g, (char) => `!${char}`)}'`;
  if (isList(value)) return `!(${value.map(rison).join(',')})`;
  const keys = Object.keys(value).toSorted();
  return `(${keys.map((key) => `${rison(key)}:${rison(value[key] ?? null)}`).join(',')})`;
}

/** `Array.isArray` does not narrow to a read-only list. */
const isList = (value: object): value is readonly Rison[] => Array.isArray(value);
