import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { html } from 'hono/html';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { markdown } from '../../markdown.ts';
import { type Html, panel } from '../../parts.ts';
import type { ConsolePage } from '../page.ts';

/** The documentation of this version. Bundles of functions do not contain it. */
const FOLDER = resolve(import.meta.dirname, '../../../../docs');
const INDEX = 'README.md';

/** Returns whether the documentation is installed beside the program. */
export const hasDocs = (): boolean => existsSync(join(FOLDER, INDEX));

export const DOCS_PATH = '/console/docs/index';

/** A file of the documentation, by its path in `docs/`. */
const FILE = /^(?:README|(?:[a-z0-9-]+\/)?[a-z0-9-]+)\.md$/;

/** Returns the address of the page of a file: `how-to/aws.md` is `how-to.aws`. */
const docPath = (file: string): string =>
  file === INDEX ? DOCS_PATH : `/console/docs/${file.replace(/\.md$/, '').replace('/', '.')}`;

const fileOf = (page: string): string => (page === 'index' ? INDEX : `${page.replace('.', '/')}.md`);

/** Links to a file of the documentation, or names it if the documentation is not installed here. */
export const docLink = (file: string, text: string): Html =>
  hasDocs() ? html`<a href="${docPath(file)}">${text}</a>` : html`${text} (<code>docs/${file}</code>)`;

/** A page of the documentation, as it was installed with this version. */
export const docsPage: ConsolePage = {
  path: '/console/docs/:page',
  label: null,
  action: 'incidents:read',
  everySeconds: 300,
  async show(_, { param }) {
    const file = fileOf(param['page'] ?? '');
    const text = FILE.test(file) ? await readFile(join(FOLDER, file), 'utf8').catch(() => undefined) : undefined;
    if (text === undefined) throw new Refusal(404, 'not-found', 'there is no such page of the documentation');
    const title = /^# (.+)$/m.exec(text)?.[1] ?? file;
    return { title, main: docMain(title, withPaths(text, file), file) };
  },
};

const docMain = (title: string, text: string, file: string): Html => html`
  <h1 class="page-title">${title}</h1>
  ${panel('document', `docs/${file}`, null, html`<div class="text">${markdown(text, title)}</div>`)}
  ${file === INDEX ? '' : html`<p class="more" id="all-docs" data-part><a href="${DOCS_PATH}">All documentation</a></p>`}
`;

/** Replaces links to other files by the addresses of their pages. Pictures and files outside `docs/` stay as text. */
const withPaths = (text: string, file: string): string =>
  text.replaceAll(/\]\(([\w./-]+\.md)(?:#[\w-]*)?\)/g, (link, to: string) => {
    const { pathname } = new URL(to, `https://docs.invalid/docs/${file}`);
    const path = pathname.replace(/^\/docs\//, '');
    return pathname.startsWith('/docs/') && FILE.test(path) ? `](${docPath(path)})` : link;
  });
