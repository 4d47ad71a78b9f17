/** A tag such as `service:checkout`, or a tag without a key, whose value is empty. */
type Tag = { key: string; value: string };

/**
 * Maximum bytes of an annotation's tags as a JSON list: the default of `tags_length` in `[annotations]`.
 *
 * @see https://github.com/grafana/grafana, `validateTagsLength` of the annotation store (read 2026-11)
 */
const TAGS_MAX_BYTES = 500;

export const tagsTooLong = (tags: readonly string[]): boolean => {
  const bytesWithQuotesAndCommas = tags.reduce((sum, tag) => sum + Buffer.byteLength(tag) + 3, 0);
  return Math.max(2, bytesWithQuotesAndCommas + 1) > TAGS_MAX_BYTES;
};

/** Normalizes tags as Grafana does: trims whitespace, removes duplicates, and shortens `a:b:c` to `a:b`. */
export const normalTags = (tags: readonly string[]): string[] => {
  const normal = tags.map(parse).filter(({ key }) => key !== '');
  return [...new Set(normal.map(({ key, value }) => (value === '' ? key : `${key}:${value}`)))];
};

/**
 * Returns whether tags match a search: all of `wanted`, or at least one if `any`. A key without a value matches all its
 * values.
 */
export function tagsMatch(tags: readonly string[], searched: readonly string[], matchAny: boolean): boolean {
  if (searched.length === 0) return true;
  const filters = normalTags(searched).map(parse);
  const found = tags.map(parse).filter((tag) => filters.some((filter) => covers(filter, tag))).length;
  // Grafana compares the number of matching tags: two values of one bare key exceed it.
  return matchAny ? found > 0 : found === filters.length;
}

const covers = (filter: Tag, { key, value }: Tag): boolean =>
  filter.key === key && (filter.value === '' || filter.value === value);

/**
 * Parses a tag. Text after a second colon is dropped.
 *
 * @see https://github.com/grafana/grafana, `ParseTagPairs` (read 2026-11)
 */
function parse(tag: string): Tag {
  const [key = '', value = ''] = tag.split(':');
  return { key: key.trim(), value: value.trim() };
}
