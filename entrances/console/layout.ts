import { html } from 'hono/html';
import { BRAND, WALL } from '../../core/domain/messages/identity.ts';
import { ASSETS, plotAsset } from './assets.ts';
import { navigation } from './navigation.ts';
import { FIND_PATH } from './pages/find/find.ts';
import type { Html, Shown } from './parts.ts';
import type { Viewer } from '../http/context.ts';

const MARK = html`<svg viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="7" fill="${BRAND}" />
  <path d="${WALL}" fill="#fff" />
</svg>`;

type Frame = Shown & {
  /** Path of the page in the navigation, or of one that belongs to it. */
  path: string;
  /** Address of the page for live updates, what identifies its content now, and the key of its forms. Absent: it has none. */
  live?: { address: string; version: string; pageKey: string };
  /** Number of inputs that wait in the inbox. */
  inbox?: number;
  /** What the viewer can open beside the console. */
  elsewhere?: readonly { text: string; href: string }[];
  /** The result of the viewer's last action. */
  notice?: Html | undefined;
};

/** Builds a whole page of the console. */
export const consolePage = (
  viewer: Viewer,
  { title, main, asks, path, live, inbox = 0, elsewhere = [], notice }: Frame,
): Html =>
  documentOf(
    title,
    html`<header class="top">
        <a class="brand" href="/console">${MARK} Firebreak</a>
        ${navigation(viewer, path, inbox)}
        ${live === undefined ? '' : html`<p id="live" role="status" data-address="${live.address}" data-version="${live.version}" data-page-key="${live.pageKey}"></p>`}
        ${viewer.may('incidents:read', {}) ? html`<a class="find" id="find" href="${FIND_PATH}">Find <kbd>Ctrl K</kbd></a>` : ''}
        ${accountMenu(viewer)}
      </header>
      ${notice ?? ''}
      <main id="main" tabindex="-1">${main}</main>
      <footer>
        <p>
          <span id="zone">All times are UTC.</span>
          <button type="button" class="plain-button" id="show-times">Show local time</button>
          <button type="button" class="plain-button" id="keys">Keys</button>
          ${elsewhere.map(({ text, href }) => html`<a href="${href}">${text}</a> `)}
          <a href="/openapi.json">API</a>
        </p>
      </footer>`,
    asks,
  );

const accountMenu = ({ caller: { name }, session, csrfToken }: Viewer): Html =>
  html`<details class="person" id="person">
    <summary>${name}</summary>
    <div class="menu">
      <p>Signed in as <strong>${name}</strong></p>
      ${
        session === null
          ? ''
          : html`<form method="post" action="/logout">
              <input type="hidden" name="form_key" value="${csrfToken}" />
              <button>Sign out</button>
              <button name="everywhere" value="yes">Sign out everywhere</button>
            </form>`
      }
    </div>
  </details>`;

/** Builds a page without navigation, such as the login. */
export const plainPage = ({ title, main }: Shown): Html =>
  documentOf(
    title,
    html`<main class="plain" id="main" tabindex="-1">
      <p class="brand">${MARK} Firebreak</p>
      ${main}
    </main>`,
  );

/** Links to the icon, which says whether a question waits. */
export const iconLink = (asks = false): Html =>
  html`<link rel="icon" href="${(asks ? ASSETS.iconAsks : ASSETS.icon).path}" type="image/svg+xml" />`;

const documentOf = (title: string, body: Html, asks = false): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Firebreak</title>
        ${iconLink(asks)}
        <link rel="stylesheet" href="${ASSETS.style.path}" />
        <script src="${ASSETS.live.path}" data-plots="${plotAsset().path}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        ${body}
      </body>
    </html>`;
