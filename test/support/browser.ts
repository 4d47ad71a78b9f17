import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { accessSync, constants } from 'node:fs';
import { eventually } from './firebreak.ts';
import { spawnTied, type TiedChild } from './tied-child.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

const START_MAX_MS = 120_000;

/** Returns the path of Chromium on this machine, or undefined if it is not installed. */
export const browserPath = (): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isExecutable);

/** Returns whether a browser is installed. If not, prints which tests are skipped. */
export function haveBrowser(): boolean {
  const found = browserPath() !== undefined;
  if (!found) console.log('skipped tests: chromium not installed');
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

type Answer = {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: any;
  result?: any;
  error?: { message: string };
};
type Send = (method: string, params?: object, sessionId?: string) => Promise<any>;

/** The size of the window in pixels, and the preferred color scheme. `scripts`: false turns JavaScript off. `touch`: a touch screen. */
export type Eyes = { width: number; height: number; dark?: boolean; scripts?: boolean; touch?: boolean };

/** Where a finger is in the window, in pixels. */
export type Finger = { x: number; y: number };

/**
 * A headless Chromium, controlled by the DevTools protocol.
 *
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
export class Browser {
  readonly #child: TiedChild;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #send: Send;
  readonly #listeners = new Map<string, (method: string, params: any) => void>();

  private constructor(child: TiedChild, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    const waiting = new Map<number, PromiseWithResolvers<any>>();
    let last = 0;
    this.#send = (method, params = {}, sessionId) => {
      const answer = Promise.withResolvers<any>();
      waiting.set(++last, answer);
      socket.send(JSON.stringify({ id: last, method, params, ...(sessionId && { sessionId }) }));
      return answer.promise;
    };
    socket.addEventListener('message', ({ data }) => {
      const { id, sessionId = '', method, params, result, error } = JSON.parse(String(data)) as Answer;
      if (id === undefined) return this.#listeners.get(sessionId)?.(method ?? '', params);
      if (error) waiting.get(id)?.reject(new Error(error.message));
      else waiting.get(id)?.resolve(result);
      waiting.delete(id);
    });
  }

  /** @param program the program and its first arguments; default: the installed Chromium */
  static async start(program: readonly string[] = [browserPath() ?? 'chromium']): Promise<Browser> {
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-browser-'));
    const [path = '', ...first] = program;
    const address = Promise.withResolvers<string>();
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars'];
    const own = ['--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'];
    const child = spawnTied(path, [...first, ...flags, ...own], (line) => {
      const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (found !== undefined) address.resolve(found);
    });
    void child.exited.then((why) => address.reject(new Error(`the browser did not start: ${why}`)));
    const late = setTimeout(() => address.reject(new Error('the browser did not start in time')), START_MAX_MS);
    try {
      const socket = new WebSocket(await address.promise);
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', () => reject(new Error('the browser cannot be reached')));
      });
      return new Browser(child, folder, socket);
    } catch (error) {
      await child.stop();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  /** Opens a page, and waits until it is loaded: what follows acts on all of it. */
  async open(url: string, { width, height, dark = false, scripts = true, touch = false }: Eyes): Promise<Page> {
    const { targetId } = await this.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true });
    const send: Send = (method, params) => this.#send(method, params, sessionId);
    const page = new Page(send);
    this.#listeners.set(sessionId, page.hear);
    await Promise.all(['Page.enable', 'Runtime.enable', 'Log.enable'].map((method) => send(method)));
    const mobile = width < 500;
    await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
    await send('Emulation.setEmulatedMedia', { features });
    if (touch) await send('Emulation.setTouchEmulationEnabled', { enabled: true, maxTouchPoints: 2 });
    if (!scripts) await send('Emulation.setScriptExecutionDisabled', { value: true });
    await send('Page.setLifecycleEventsEnabled', { enabled: true });
    const { loaderId, errorText } = await send('Page.navigate', { url });
    if (errorText === undefined) await page.loaded(loaderId);
    return page;
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await this.#child.stop();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Page {
  /** Errors in the page: exceptions, and loads that the browser refused, for example because of a policy. */
  readonly problems: string[] = [];
  readonly #send: Send;
  readonly #loads = new Map<string, PromiseWithResolvers<void>>();

  constructor(send: Send) {
    this.#send = send;
  }

  /** Resolves when the document of a loader has been loaded. */
  loaded(loader: string): Promise<void> {
    return this.#load(loader).promise;
  }

  #load(loader: string): PromiseWithResolvers<void> {
    const load = this.#loads.get(loader) ?? Promise.withResolvers<void>();
    this.#loads.set(loader, load);
    return load;
  }

  hear = (method: string, params: any): void => {
    if (method === 'Page.lifecycleEvent' && params.name === 'load') this.#load(params.loaderId).resolve();
    if (method === 'Runtime.exceptionThrown') this.problems.push(params.exceptionDetails.exception?.description ?? '?');
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.problems.push(params.entry.text);
    if (method === 'Page.javascriptDialogOpening') this.problems.push(`a dialog: ${params.message}`);
  };

  /** Returns the result of an expression in the page, as JSON. */
  async evaluate<T = any>(expression: string): Promise<T> {
    const answer = await this.#send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(`${expression}: ${answer.exceptionDetails.exception?.description}`);
    return answer.result.value;
  }

  /** Returns the visible text of the first matching element; `undefined` if there is none. */
  text = (selector: string): Promise<string | undefined> =>
    this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText`);

  /** Presses a key by its name, such as `Tab` or `Enter`. */
  async press(key: 'Tab' | 'Enter' | 'Escape' | 'ArrowLeft' | 'ArrowRight'): Promise<void> {
    const codes = { Tab: 9, Enter: 13, Escape: 27, ArrowLeft: 37, ArrowRight: 39 };
    const event = { key, code: key, windowsVirtualKeyCode: codes[key], ...(key === 'Enter' && { text: '\r' }) };
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /** Types into the focused element. */
  type = (text: string): Promise<void> => this.#send('Input.insertText', { text });

  /** Clicks in the center of the first matching element, when the page is loaded: a click before may have led to it. */
  click = async (selector: string): Promise<void> => (await this.hold(selector))();

  /** Presses the mouse button in the center of the first matching element. @returns how to release it */
  hold(selector: string): Promise<() => Promise<void>> {
    const element = `document.querySelector(${JSON.stringify(selector)})`;
    const place = () =>
      this.evaluate<{ x: number; y: number } | null>(`(() => {
        const element = document.readyState === 'complete' ? ${element} : null;
        if (element === null) return null;
        element.scrollIntoView({ block: 'center', behavior: 'instant' });
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      })()`);
    const mouse = (type: string, at: { x: number; y: number }) =>
      this.#send('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 });
    return eventually(async () => {
      const at = await place();
      if (at === null) return null;
      await this.#send('Input.dispatchMouseEvent', { type: 'mouseMoved', ...at });
      await mouse('mousePressed', at);
      if (await this.evaluate<boolean>(`${element}?.matches(':active') === true`))
        return () => mouse('mouseReleased', at);
      // An update has moved it meanwhile. Elsewhere, the release clicks on nothing.
      await mouse('mouseReleased', { x: 0, y: 0 });
      return null;
    }, `${selector} under the mouse, in a page that is loaded`);
  }

  /** Puts fingers on the screen, moves them through some places, and lifts them. @param places the fingers at each time */
  async touch(...places: readonly (readonly Finger[])[]): Promise<void> {
    for (const [n, fingers] of places.entries())
      await this.#send('Input.dispatchTouchEvent', {
        type: n === 0 ? 'touchStart' : 'touchMove',
        touchPoints: fingers.map((finger, id) => ({ ...finger, id })),
      });
    await this.#send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  }

  /** Closes the page. */
  close = (): Promise<unknown> => this.#send('Page.close');

  /** Returns a PNG of the page from its upper-left corner, including parts below the window. */
  async picture({ width, height }: { width: number; height: number }): Promise<Buffer> {
    const clip = { x: 0, y: 0, width, height, scale: 1 };
    const { data } = await this.#send('Page.captureScreenshot', { captureBeyondViewport: true, clip });
    return Buffer.from(data, 'base64');
  }
}
