/**
 * The pictures in docs/pictures, of a sandbox that runs and has something to show:
 *   npm run demo                                  # in a terminal, where it stays at its end
 *   node scripts/pictures.ts http://127.0.0.1:PORT
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser } from '../test/support/browser.ts';

const FOLDER = join(import.meta.dirname, '..', 'docs', 'pictures');

/** The page draws itself a moment after it was opened, and what is new stands out for another. Milliseconds. */
const SETTLES_MS = 4000;

/** Slack alone, high enough for all that is said. */
const SLACK_HEIGHT = 1200;
const SLACK_ALONE = `(() => {
  for (const other of document.querySelectorAll('body > :not(main), main > :not(#slack)')) other.remove();
  const style = new CSSStyleSheet();
  style.replaceSync('main { display: block !important; padding: 0 !important }' +
    '#slack, #slack .body { height: ${SLACK_HEIGHT}px !important; max-height: none !important }');
  document.adoptedStyleSheets = [style];
})()`;

const [, , base] = process.argv;
if (base === undefined) throw new Error('say where Firebreak runs: node scripts/pictures.ts http://127.0.0.1:8080');
await mkdir(FOLDER, { recursive: true });
const browser = await Browser.start();
try {
  const page = await browser.open(`${base}/sandbox`, { width: 1440, height: 1180 });
  await sleep(SETTLES_MS);
  await writeFile(join(FOLDER, 'sandbox.png'), await page.picture({ width: 1440, height: 1180 }));
  const slack = await browser.open(`${base}/sandbox`, { width: 900, height: SLACK_HEIGHT });
  await sleep(SETTLES_MS);
  await slack.evaluate(SLACK_ALONE);
  await writeFile(join(FOLDER, 'slack-incident.png'), await slack.picture({ width: 900, height: SLACK_HEIGHT }));
} finally {
  await browser.stop();
}
