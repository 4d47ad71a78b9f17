import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { Hono, type Context } from 'hono';
import { colorVariables, markSvg } from '../../../core/domain/messages/identity.ts';

const FOLDER = new URL('../page/', import.meta.url);
const DOCS = new URL('../../../docs/reference/sandbox.md', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.md': 'text/plain; charset=utf-8', // so that browsers show the file instead of downloading it
};

/**
 * The Content-Security-Policy of the page: its own scripts and styles, and connections to its own server. Markup
 * injected through the text of an alert can't run scripts. With `require-trusted-types-for`, scripts also can't create
 * markup from text.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin', // without a referrer, the origin of a form is `null`
  'cache-control': 'no-cache', // the files change during development
};

/**
 * Returns the routes of the sandbox page: `/sandbox`, its static files under `/sandbox/page/`, and its documentation at
 * `/sandbox/docs`. A request for JSON at `/sandbox` goes to the next handler.
 *
 * @param plain returns what browsers without JavaScript show
 */
export function page(plain: () => Promise<string>): Hono {
  return new Hono()
    .get('/sandbox', async (c, next) => {
      c.header('vary', 'accept');
      return wantsJson(c) ? next() : document(c, await plain());
    })
    .get('/sandbox/page/identity.css', (c) => answer(c, '.css', colorVariables()))
    .get('/sandbox/page/icon.svg', (c) => answer(c, '.svg', markSvg()))
    .get('/sandbox/docs', (c) => file(c, DOCS))
    .get('/sandbox/page/:name{(?:[a-z]+/)?[a-z]+(?:-[a-z]+)*\\.(?:css|js)}', (c) =>
      file(c, new URL(c.req.param('name'), FOLDER)),
    );
}

/** Returns whether the client asks for JSON. Browsers, and `curl` without options, get the page. */
function wantsJson(c: Context): boolean {
  const accept = c.req.header('accept') ?? '';
  return accept.includes('application/json') && !accept.includes('text/html');
}

/** Returns the page. @param plain what browsers without JavaScript show */
export async function document(c: Context, plain: string, status: 200 | 422 = 200): Promise<Response> {
  const text = await readFile(new URL('index.html', FOLDER), 'utf8');
  const parts: Readonly<Record<string, string>> = { mark: MARK, plain };
  const whole = text.replaceAll(/<!-- (mark|plain) -->/g, (_, name: string) => parts[name] ?? '');
  return c.body(whole, status, { ...HEADERS, 'content-type': CONTENT_TYPES['.html'] ?? '' });
}

async function file(c: Context, url: URL): Promise<Response> {
  const text = await readFile(url, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return c.notFound();
  return answer(c, extname(url.pathname), text);
}

/** The mark in the page itself, which has no image of others. */
const MARK = markSvg('class="mark" aria-hidden="true"');

const answer = (c: Context, ending: string, text: string): Response =>
  c.body(text, 200, { ...HEADERS, 'content-type': CONTENT_TYPES[ending] ?? 'text/plain' });
