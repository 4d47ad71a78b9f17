/** A tag such as `service:checkout`, or a plain one, whose value is empty. */
type Tag = { key: string; value: string };

/**
 * Bytes of an annotation's tags written as a JSON list, at most: `tags_length` of `[annotations]`, as it is unless an
 * administrator changes it.
 *
 * @see https://github.com/grafana/grafana, `validateTagsLength` of the annotation store (read 2026-11)
 */
const TAGS_MAX_BYTES = 500;

export const tagsTooLong = (tags: readonly string[]): boolean => {
  const quotedAndParted = tags.reduce((sum, tag) => sum + Buffer.byteLength(tag) + 3, 0);
  return Math.max(2, quotedAndParted + 1) > TAGS_MAX_BYTES;
};

/** As Grafana keeps them: without spaces around, each once, and of `a:b:c` only `a:b`. */
export const normalTags = (tags: readonly string[]): string[] => {
  const normal = tags.map(parse).filter(({ key }) => key !== '');
  return [...new Set(normal.map(({ key, value }) => (value === '' ? key : `${key}:${value}`)))];
};

/** Whether the tags satisfy a search: all of `wanted`, or with `any` one of them. A bare key finds all its values. */
export function tagsMatch(tags: readonly string[], wanted: readonly string[], any: boolean): boolean {
  if (wanted.length === 0) return true;
  const filters = normalTags(wanted).map(parse);
  const found = tags.map(parse).filter((tag) => filters.some((filter) => covers(filter, tag))).length;
  return any ? found > 0 : found === filters.length; // it counts tags, not filters: two values of a bare key are too many
}

const covers = (filter: Tag, { key, value }: Tag): boolean =>
  filter.key === key && (filter.value === '' || filter.value === value);

/** What follows a second colon is lost. @see https://github.com/grafana/grafana, `ParseTagPairs` (read 2026-11) */
function parse(tag: string): Tag {
  const [key = '', value = ''] = tag.split(':');
  return { key: key.trim(), value: value.trim() };
}
