import type { IncomingMessage } from 'node:http';
import { encodedPath } from '../../http/encoded-path.ts';

/** A URL that stays as it is. Others have, for example, percent-encoded or dot segments. */
const PLAIN = /^https?:\/\/([^/?#]+)(\/[\w\-.~!*()/]*)(\?[^#']*)?$/;

/** Returns a URL as the app of a function gets it, and its decoded path. */
export function urlOnAws(url: string): { path: string; url: string } {
  const [, host = '', plain, query = ''] = PLAIN.exec(url) ?? [];
  if (plain !== undefined) return { path: plain, url: `https://${host}${plain}${query}` };
  const parsed = new URL(url);
  const path = rawPathOf(parsed.pathname);
  return { path, url: `https://${parsed.host}${encodedPath(path)}${parsed.search}` };
}

/**
 * Returns the path of a request as API Gateway's HTTP API passes it: decoded once, unlike in a REST API or a function
 * URL, so that `%2F` becomes a separator; and truncated at a decoded `?`.
 */
function rawPathOf(path: string): string {
  try {
    return decodeURIComponent(path).split('?')[0] ?? '';
  } catch {
    return path; // not percent-encoded UTF-8
  }
}

const ASCII = /^[\0-\x7f]+$/;

/** Returns headers as the app of a function gets them: without empty ones, and with values that are not ASCII encoded. */
export function headersOnAws(headers: Headers, { rawHeaders }: IncomingMessage): Headers {
  if (rawHeaders.every((text) => ASCII.test(text))) return headers;
  const kept = [...headers].filter(([, value]) => value !== '');
  return new Headers(kept.map(([name, value]) => [name, ASCII.test(value) ? value : encodeURIComponent(value)]));
}
