import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Hono, type Context } from 'hono';

const FOLDER = new URL('page/', import.meta.url);
const DOCS = new URL('../../docs/sandbox.md', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.md': 'text/plain; charset=utf-8', // which a browser shows instead of saving it
};

/**
 * What the page may do: run and look as its own files say, and speak to its own server. Text from an alert that found a
 * way to become markup would still not run; with `require-trusted-types-for` nothing can be made markup of at all.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache', // it is edited while it is looked at
};

/**
 * The sandbox as a page for people: `/sandbox`, its files under `/sandbox/page/`, served as they are, and what is written
 * about it at `/sandbox/docs`. Who asks for JSON at `/sandbox` is left to the next handler.
 */
export function page(): Hono {
  return new Hono()
    .get('/sandbox', async (c, next) => {
      c.header('vary', 'accept');
      return wantsJson(c) ? next() : file(c, new URL('index.html', FOLDER));
    })
    .get('/sandbox/docs', (c) => file(c, DOCS))
    .get('/sandbox/page/:name{[a-z]+(?:-[a-z]+)*\\.(?:css|js)}', (c) => file(c, new URL(c.req.param('name'), FOLDER)));
}

/** Only who says so: a browser, and a bare `curl`, gets the page. */
function wantsJson(c: Context): boolean {
  const accept = c.req.header('accept') ?? '';
  return accept.includes('application/json') && !accept.includes('text/html');
}

async function file(c: Context, url: URL): Promise<Response> {
  const text = await readFile(url, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return c.notFound();
  return c.body(text, 200, { ...HEADERS, 'content-type': CONTENT_TYPES[extname(url.pathname)] ?? 'text/plain' });
}
