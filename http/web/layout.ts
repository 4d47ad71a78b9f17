import { html } from 'hono/html';
import { ASSETS } from './assets.ts';
import { NAVIGATION } from './pages/index.ts';
import type { Html, Shown } from './parts.ts';
import type { Viewer } from '../context.ts';

type Frame = Shown & {
  /** Path of the page in the navigation, or of one that belongs to it. */
  path: string;
  /** Address of the page for live updates, what identifies its content now, and the key of its forms. Absent: it has none. */
  live?: { address: string; version: string; pageKey: string };
  /** The result of the viewer's last action. */
  notice?: Html | undefined;
};

/** Builds a whole page of the console. */
export const consolePage = (viewer: Viewer, { title, main, path, live, notice }: Frame): Html =>
  documentOf(
    title,
    html`<header class="top">
        <a class="brand" href="/console"><span aria-hidden="true">▚</span> Firebreak</a>
        <nav aria-label="Console">
          ${NAVIGATION.filter(({ action }) => viewer.may(action, {})).map(
            (page) =>
              html`<a href="${page.path}" ${page.path === path ? html`aria-current="page"` : ''}>${page.label}</a>`,
          )}
        </nav>
        ${live === undefined ? '' : html`<p id="live" role="status" data-address="${live.address}" data-version="${live.version}" data-page-key="${live.pageKey}"></p>`}
        ${accountMenu(viewer)}
      </header>
      ${notice ?? ''}
      <main id="main" tabindex="-1">${main}</main>
      <footer><p>All times are UTC.</p></footer>`,
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
      <p class="brand"><span aria-hidden="true">▚</span> Firebreak</p>
      ${main}
    </main>`,
  );

const documentOf = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Firebreak</title>
        <link rel="icon" href="${ASSETS.icon.path}" type="image/svg+xml" />
        <link rel="stylesheet" href="${ASSETS.style.path}" />
        <script src="${ASSETS.live.path}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        ${body}
      </body>
    </html>`;
