import { type Context, Hono } from 'hono';
import { etag } from 'hono/etag';
import { readPages, type StatusDeps } from '../actions/read-page.ts';
import type { Deps } from '../ports.ts';
import type { PageSettings } from '../decisions/pages.ts';
import { MAIN_PAGE } from '../schemas/status-page-file.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { identifyRequest } from '../../../entrances/http/middleware/request.ts';
import { problem } from '../../../entrances/http/problem.ts';
import { cachedReader } from './cached-reader.ts';
import { liveLinks } from './links.ts';
import { missingPage } from './pages.ts';
import { pagePolicy } from './policy.ts';
import { besideResource, homeResource, insideResource, type Resource, statusReader } from './resources.ts';

/** Everything that the public pages need. Their function on AWS may read only this. */
export type StatusPageDeps = StatusDeps & Pick<Deps, 'log' | 'publicUrl'>;

/** Browsers and caches ask again after some seconds, and show what they have while that fails. */
const CACHE_CONTROL = 'public, max-age=10, stale-while-revalidate=30, stale-if-error=86400';

/** Returns the public status pages with their API and feeds. They need no credentials, and set no cookies. */
export function statusApp(deps: StatusPageDeps): Hono<Env> {
  const app = new Hono<Env>();
  const reader = cachedReader(statusReader(deps), deps.clock);
  app.use(identifyRequest(deps));
  app.use(etag());
  app.get('*', async (c) => {
    const pages = await readPages(deps);
    const requestedFile = fileAt(c.req.path, pages);
    if (requestedFile === undefined) return problem(c, 404, 'not-found', 'there is no such status page');
    const { page, file } = requestedFile;
    const options = { reader, frame: { page, links: liveLinks(page) }, publicUrl: deps.publicUrl };
    const found =
      file.kind === 'home'
        ? await homeResource(options)
        : await (file.kind === 'beside' ? besideResource : insideResource)(options, file.name);
    if (found !== undefined) return fileResponse(c, page, found, 200);
    c.header('vary', 'Accept');
    const isForPrograms = file.kind === 'beside' || file.name.startsWith('api/');
    if (isForPrograms && !(c.req.header('accept') ?? '').includes('text/html'))
      return problem(c, 404, 'not-found', 'there is no such file of a status page');
    const missing = String(await missingPage(options.frame, 'There is nothing at this address'));
    return fileResponse(c, page, { type: 'text/html; charset=utf-8', body: missing }, 404);
  });
  app.notFound((c) => problem(c, 404, 'not-found', `no endpoint ${c.req.method} ${c.req.path}`));
  app.onError((error, c) => {
    (c.get('log') ?? deps.log).error('the status page failed', { error: error.stack ?? String(error) });
    return problem(c, 503, 'unavailable', 'the status page could not be read; try again', { 'retry-after': '5' });
  });
  return app;
}

/**
 * A file of a status page: the page itself (`home`), a file beside it, such as `/status.rss` with the name `rss`, or a
 * file inside it, such as `/status/history/2026-11.html`.
 */
type RequestedFile = { kind: 'home' | 'beside' | 'inside'; name: string };

/** Returns the page and the file of a path. Undefined: no page has this name. */
function fileAt(
  path: string,
  pages: ReadonlyMap<string, PageSettings>,
): { page: PageSettings; file: RequestedFile } | undefined {
  const [, ending] = /^\/status\.(\w+)$/.exec(path) ?? [];
  const main = pages.get(MAIN_PAGE);
  if (ending !== undefined) return main && { page: main, file: { kind: 'beside', name: ending } };
  const rest = path.replace(/^\/status\/?/, '');
  const [, name = '', dot, after = ''] = /^([^/.]*)([/.]?)(.*)$/.exec(rest) ?? [];
  const other = name === MAIN_PAGE ? undefined : pages.get(name);
  if (other !== undefined)
    return {
      page: other,
      file: after === '' ? { kind: 'home', name: '' } : { kind: dot === '.' ? 'beside' : 'inside', name: after },
    };
  return main && { page: main, file: rest === '' ? { kind: 'home', name: '' } : { kind: 'inside', name: rest } };
}

function fileResponse(c: Context<Env>, page: PageSettings, { type, body }: Resource, status: 200 | 404): Response {
  const isPage = type.startsWith('text/html');
  return c.body(body, status, {
    'content-type': type,
    'cache-control': CACHE_CONTROL,
    'x-content-type-options': 'nosniff',
    'content-security-policy': isPage ? pagePolicy(page) : "default-src 'none'; frame-ancestors 'none'",
    ...(isPage
      ? { 'referrer-policy': 'same-origin', 'cross-origin-opener-policy': 'same-origin' }
      : { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }),
  });
}
