import type { StatusDeps } from '../actions/read-page.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import type { Deps } from '../ports.ts';
import { INTERNAL_PATH, internalPagesOf } from '../decisions/pages.ts';
import { cachedReader } from './cached-reader.ts';
import { liveLinks } from './links.ts';
import { pagePolicy } from './policy.ts';
import { besideResource, homeResource, insideResource, type StatusReader, statusReader } from './resources.ts';

type InternalDeps = StatusDeps & Pick<Deps, 'publicUrl'>;

/** One reader for each `publicIncidents` store, so that answers are cached across requests. */
const readers = new WeakMap<object, StatusReader>();

function readerOf(deps: InternalDeps): StatusReader {
  const reader = readers.get(deps.publicIncidents) ?? cachedReader(statusReader(deps), deps.clock);
  readers.set(deps.publicIncidents, reader);
  return reader;
}

/**
 * Returns a file of an internal status page. It checks nothing: the console lets only people with a session or a token
 * reach it.
 *
 * @throws Refusal 404
 */
export async function internalFile(
  deps: InternalDeps,
  path: string,
): Promise<{ body: string; headers: Record<string, string> }> {
  const pages = internalPagesOf(await deps.config.current());
  const rest = path.slice(INTERNAL_PATH.length + 1);
  const [, name = '', separator = '', file = ''] = /^([^/.]*)([/.]?)(.*)$/.exec(rest) ?? [];
  const page = pages.get(name);
  if (page === undefined) throw new Refusal(404, 'not-found', 'there is no such status page');
  const options = { reader: readerOf(deps), frame: { page, links: liveLinks(page) }, publicUrl: deps.publicUrl };
  const found =
    file === ''
      ? await homeResource(options)
      : await (separator === '.' ? besideResource : insideResource)(options, file);
  if (found === undefined) throw new Refusal(404, 'not-found', 'there is no such file of a status page');
  return {
    body: found.body,
    headers: {
      'content-type': found.type,
      'cache-control': 'private, no-store',
      'content-security-policy': found.type.startsWith('text/html')
        ? pagePolicy(page)
        : "default-src 'none'; frame-ancestors 'none'",
    },
  };
}
