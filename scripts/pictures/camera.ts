import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from '../../test/support/browser.ts';
import { withPalette } from './png.ts';

/** Widths in pixels of a channel on a desktop and on a phone. */
export const DESKTOP = 720;
export const PHONE = 390;

/** In pixels, higher than any conversation; the part below the last message is cropped. */
const VIEWPORT_HEIGHT = 2600;

/** Pixels below the last element. */
const MARGIN = 16;

const POLL_MS = 100;
const TRIES_MAX = 200;

/** How long to wait until the page has rendered late updates. */
const SETTLE_MS = 1500;

type ChannelPicture = {
  /** Pixels. */
  width: number;
  /** Person whose view is shown. */
  as: string;
  /** Without its `#`. */
  channel: string;
  /** Patterns of the messages to show. Absent: the whole channel with its header. */
  messages?: readonly RegExp[];
};

type DialogPicture = Omit<ChannelPicture, 'messages'> & {
  height: number;
  messages?: readonly RegExp[];
  /** Opens the dialog. */
  open(page: Page): Promise<void>;
  /** Cleanup after the picture. */
  after?(page: Page): Promise<void>;
};

type WebPicture = {
  /** Pixels. */
  width: number;
  /** Selector of an element that must be on the page. */
  shows: string;
  /** Selector of the last element in the picture. */
  until: string;
};

/** Takes pictures of the pages of one Firebreak. */
export class Camera {
  readonly #browser: Browser;
  readonly #url: string;
  readonly #folder: string;

  /** @param url of Firebreak */
  constructor(browser: Browser, url: string, folder: string) {
    this.#browser = browser;
    this.#url = url;
    this.#folder = folder;
  }

  /** Takes a picture of messages in a channel. */
  async channel(name: string, picture: ChannelPicture): Promise<void> {
    const page = await this.#open(picture, VIEWPORT_HEIGHT);
    const height = await bottomOf(page, '#slack .messages');
    await this.#save(name, page, picture.width, height);
  }

  /** Takes a picture of a modal or a confirmation dialog. */
  async dialog(name: string, picture: DialogPicture): Promise<void> {
    const page = await this.#open(picture, picture.height);
    await picture.open(page);
    await sleep(SETTLE_MS);
    await page.evaluate(`scrollTo(0, 0)`);
    await page.evaluate(WITHOUT_EMOJI);
    await this.#shoot(name, page, picture.width, picture.height);
    await picture.after?.(page);
    await sleep(SETTLE_MS);
    await page.close();
  }

  /** Takes a picture of the whole page. */
  async page(name: string, viewport: { width: number; height: number }): Promise<void> {
    const page = await this.#browser.open(`${this.#url}/sandbox`, viewport);
    await until(page, `document.querySelectorAll('#slack .message').length > 0`);
    await sleep(SETTLE_MS);
    await addStyles(page, WITHOUT_ANIMATIONS);
    await this.#save(name, page, viewport.width, viewport.height);
  }

  /** Takes a picture of a separate page. @param html complete document */
  async document(name: string, html: string, width: number): Promise<void> {
    const page = await this.#browser.open(`data:text/html;charset=utf-8,${encodeURIComponent(html)}`, {
      width,
      height: VIEWPORT_HEIGHT,
    });
    await until(page, `document.querySelector('body > table') !== null`);
    const height = await bottomOf(page, 'body > table');
    await this.#save(name, page, width, height);
  }

  /** Signs in to the console, for all pages that follow. */
  async signIn(token: string): Promise<void> {
    const page = await this.#browser.open(`${this.#url}/login`, { width: DESKTOP, height: DESKTOP });
    await until(page, `document.readyState === 'complete' && document.querySelector('#token') !== null`);
    await page.evaluate(`document.querySelector('#token').focus()`);
    await page.type(token);
    await page.press('Enter');
    await until(page, `location.pathname === '/console' && document.querySelector('main') !== null`);
    await page.close();
  }

  /** Takes a picture of a page from its top to the end of an element. */
  async webPage(name: string, path: string, { width, shows, until: last }: WebPicture): Promise<void> {
    const page = await this.#browser.open(this.#url + path, { width, height: VIEWPORT_HEIGHT });
    await until(page, `document.readyState === 'complete' && document.querySelector(${quoted(shows)}) !== null`);
    await sleep(SETTLE_MS);
    const height = await bottomOf(page, last);
    await this.#save(name, page, width, height + MARGIN);
  }

  async #open({ width, as, channel, messages }: Omit<ChannelPicture, 'height'>, height: number): Promise<Page> {
    const page = await this.#browser.open(`${this.#url}/sandbox`, { width, height });
    await until(
      page,
      `[...document.querySelectorAll('#slack .channels .name')].some((it) => it.textContent === ${quoted(channel)})`,
    );
    await page.evaluate(`(() => {
      const who = document.querySelector('[data-slack="who"]');
      who.value = ${quoted(as)};
      who.dispatchEvent(new Event('change', { bubbles: true }));
      [...document.querySelectorAll('#slack .channels button')]
        .find((it) => it.querySelector('.name').textContent === ${quoted(channel)})
        .click();
    })()`);
    for (const words of messages ?? [])
      await until(page, `${MESSAGES}.some((it) => ${String(words)}.test(it.innerText))`);
    await sleep(SETTLE_MS);
    await addStyles(page, `${WITHOUT_ANIMATIONS} ${CHANNEL_ONLY} ${await stylesForOnly(page, messages)}`);
    return page;
  }

  async #save(name: string, page: Page, width: number, height: number): Promise<void> {
    await this.#shoot(name, page, width, height);
    await page.close();
  }

  /** Writes the compressed picture. */
  async #shoot(name: string, page: Page, width: number, height: number): Promise<void> {
    const picture = withPalette(await page.picture({ width, height }));
    await writeFile(join(this.#folder, `${name}.png`), picture);
    console.log(`${name}.png  ${width} × ${height}, ${Math.ceil(picture.byteLength / 1024)} KiB`);
  }
}

const quoted = (text: string): string => JSON.stringify(text);

const MESSAGES = `[...document.querySelectorAll('#slack .messages > .message')]`;

/** Removes emoji from menus, because the browser shows boxes if no font has them. */
const WITHOUT_EMOJI = `for (const option of document.querySelectorAll('option'))
  option.textContent = option.textContent.replace(/^\\p{Extended_Pictographic}\\uFE0F?\\s*/u, '')`;

/** Disables highlights and animations. */
const WITHOUT_ANIMATIONS =
  '*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent }';

/** Shows only the open channel at its full height, with dialogs below the upper part. */
const CHANNEL_ONLY = `
  body > :not(main, dialog), main > :not(#slack), #slack > header, .channels, .composer, .message .menu
    { display: none !important }
  body, main { background: var(--card) !important }
  main { display: block !important; padding: 0 !important; max-width: none !important }
  #slack { border: 0 !important; border-radius: 0 !important; box-shadow: none !important }
  #slack, #slack .body { display: block !important; height: auto !important; max-height: none !important }
  #slack .conversation, #slack .messages { height: auto !important; overflow: visible !important }
  #slack .message { padding-right: 20px !important }
  .slack-dialog { margin-bottom: 24px !important }`;

/** Hides all messages except the last one that matches each pattern. */
async function stylesForOnly(page: Page, messages: readonly RegExp[] | undefined): Promise<string> {
  if (messages === undefined) return '';
  const keys = await page.evaluate<string[]>(
    `[${messages
      .map((words) => `${MESSAGES}.findLast((it) => ${String(words)}.test(it.innerText)).dataset.key`)
      .join(', ')}]`,
  );
  const shown = keys.map((key) => `[data-key=${quoted(key)}]`).join(', ');
  return `#slack .about, #slack .bookmarks, #slack .messages > :not(${shown}) { display: none !important }`;
}

const addStyles = (page: Page, css: string): Promise<unknown> =>
  page.evaluate(`(() => {
    const style = new CSSStyleSheet();
    style.replaceSync(${quoted(css)});
    document.adoptedStyleSheets = [style];
  })()`);

const bottomOf = async (page: Page, selector: string): Promise<number> =>
  Math.ceil(await page.evaluate<number>(`document.querySelector(${quoted(selector)}).getBoundingClientRect().bottom`));

async function until(page: Page, expression: string): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (await page.evaluate<boolean>(expression).catch(() => false)) return;
    await sleep(POLL_MS);
  }
  throw new Error(`the page did not reach the expected state: ${expression}`);
}
