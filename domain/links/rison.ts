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
