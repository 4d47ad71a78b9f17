import type { Context } from 'hono';
import type { StatusDeps } from '../../actions/status/read-page.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { INTERNAL_PATH, internalPagesOf } from '../../domain/status/pages.ts';
import { cachedReader } from './cached-reader.ts';
import { liveLinks } from './links.ts';
import { pagePolicy } from './policy.ts';
import { besideResource, homeResource, insideResource, statusReader } from './resources.ts';

/**
 * Returns the handler of internal status pages. It checks nothing: the console lets only people with a session or a
 * token reach it.
 */
export function internalStatus(deps: StatusDeps & Pick<Deps, 'publicUrl'>): (c: Context) => Promise<Response> {
  const reader = cachedReader(statusReader(deps), deps.clock);
  return async (c) => {
    const pages = internalPagesOf(await deps.config.current());
    const rest = c.req.path.slice(INTERNAL_PATH.length + 1);
    const [, name = '', separator = '', file = ''] = /^([^/.]*)([/.]?)(.*)$/.exec(rest) ?? [];
    const page = pages.get(name);
    if (page === undefined) throw new Refusal(404, 'not-found', 'there is no such status page');
    const options = { reader, frame: { page, links: liveLinks(page) }, publicUrl: deps.publicUrl };
    const found =
      file === ''
        ? await homeResource(options)
        : await (separator === '.' ? besideResource : insideResource)(options, file);
    if (found === undefined) throw new Refusal(404, 'not-found', 'there is no such file of a status page');
    return c.body(found.body, 200, {
      'content-type': found.type,
      'cache-control': 'private, no-store',
      'content-security-policy': found.type.startsWith('text/html')
        ? pagePolicy(page)
        : "default-src 'none'; frame-ancestors 'none'",
    });
  };
}
