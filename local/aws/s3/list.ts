import { invalidArgument } from './errors.ts';

const KEYS_MAX = 1000;

/** The part of a bucket that a ListObjectsV2 request selects. */
type ListRequest = {
  prefix: string;
  delimiter: string;
  maxKeys: number;
  /** Only keys and common prefixes that sort after this. Empty to start at the beginning. */
  after: string;
};
type ListPage = { keys: string[]; commonPrefixes: string[]; nextToken: string | undefined };

/** @throws S3Error InvalidArgument */
export function listRequest(query: URLSearchParams): ListRequest {
  const maxKeys = Number(query.get('max-keys') ?? KEYS_MAX);
  if (!Number.isInteger(maxKeys) || maxKeys < 0) throw invalidArgument('max-keys must be a non-negative integer.');
  const token = query.get('continuation-token');
  if (token === '') throw invalidArgument('The continuation token provided is incorrect');
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Math.min(maxKeys, KEYS_MAX),
    after: token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString(),
  };
}

/**
 * Returns one page of the sorted `keys`. Keys with the same text between the prefix and the next delimiter become one
 * common prefix. Keys and common prefixes together count toward `maxKeys`.
 */
export function pageOf(keys: readonly string[], { prefix, delimiter, maxKeys, after }: ListRequest): ListPage {
  const page: ListPage = { keys: [], commonPrefixes: [], nextToken: undefined };
  let last = after;
  for (const key of keys) {
    if (!key.startsWith(prefix) || isBefore(key, after)) continue;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = end === -1 ? undefined : key.slice(0, end + delimiter.length);
    if (common !== undefined && (common === after || common === page.commonPrefixes.at(-1))) continue;
    if (page.keys.length + page.commonPrefixes.length === maxKeys) {
      if (maxKeys > 0) page.nextToken = Buffer.from(last).toString('base64url');
      break;
    }
    if (common === undefined) page.keys.push(key);
    else page.commonPrefixes.push(common);
    last = common ?? key;
  }
  return page;
}

const isBefore = (key: string, after: string): boolean => Buffer.compare(Buffer.from(key), Buffer.from(after)) <= 0;
