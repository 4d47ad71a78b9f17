/**
 * The pictures in docs/pictures. Plays an incident in a sandbox for Slack, and others in a
 * second sandbox for the console and the status page, and takes screenshots of what people see. Takes three minutes, and
 * requires Chromium.
 *   node scripts/pictures.ts [slack] [console] [storm]
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Firebreak } from '../packages/demo/firebreak.ts';
import { Stage } from '../packages/demo/stage.ts';
import { storeIncidents } from '../packages/lab/bench/stored-incidents.ts';
import { Browser } from '../test/support/browser.ts';
import { bareEnvironment } from '../test/support/firebreak.ts';
import { Camera } from './pictures/camera.ts';
import { photographConsole, photographStorm } from './pictures/console.ts';
import { photographed } from './pictures/incident.ts';
import { Shop } from './pictures/shop.ts';

const FOLDER = join(import.meta.dirname, '..', 'docs', 'pictures');

/** A minute takes a second. */
const TIME_SCALE = 60;
const LIMIT_SECONDS = 300;

const STORM_INCIDENTS = 1000;

const PICTURE_SETS: Readonly<Record<string, (browser: Browser) => Promise<void>>> = {
  async slack(browser) {
    const story = photographed((url) => new Camera(browser, url, FOLDER));
    const stage = await Stage.open(story, {
      output: { colours: false, write: (line) => console.log(line) },
      env: bareEnvironment(),
      timeScale: TIME_SCALE,
      limitSeconds: LIMIT_SECONDS,
    });
    try {
      await stage.play();
    } finally {
      await stage.close();
    }
  },
  async console(browser) {
    const shop = await Shop.open(bareEnvironment());
    try {
      await photographConsole(shop, new Camera(browser, shop.firebreak.url, FOLDER));
    } finally {
      await shop.close();
    }
  },
  async storm(browser) {
    const services = Array.from({ length: STORM_INCIDENTS }, (_, number) => `service-${number + 1}`);
    const entry = () => ({ team: 'shop', environments: { production: {} } }); // YAML limits aliases of one object
    const catalogue = { services: Object.fromEntries(services.map((name) => [name, entry()] as const)) };
    const config = { 'services.yaml': catalogue };
    const firebreak = await Firebreak.prepare({ config, timeScale: 1, env: bareEnvironment() });
    try {
      await firebreak.start(); // creates the file
      await firebreak.stop();
      await storeIncidents(firebreak.dataDir, services, { entries: 1 });
      await firebreak.start();
      await photographStorm(firebreak.adminToken, new Camera(browser, firebreak.url, FOLDER));
    } finally {
      await firebreak.stop();
      await firebreak.removeFolder();
    }
  },
};

const selection = process.argv.slice(2);
const unknown = selection.find((name) => !Object.hasOwn(PICTURE_SETS, name));
if (unknown !== undefined) {
  console.error(`unknown pictures "${unknown}"; choose from ${Object.keys(PICTURE_SETS).join(', ')}`);
  process.exit(2);
}

await mkdir(FOLDER, { recursive: true });
const browser = await Browser.start();
try {
  for (const [name, take] of Object.entries(PICTURE_SETS))
    if (selection.length === 0 || selection.includes(name)) await take(browser);
} finally {
  await browser.stop();
}
