/**
 * The pictures in docs/pictures: an incident is played in a sandbox of its own, people run it from Slack, and what they
 * see is photographed. It takes two minutes, and a Chromium on this machine.
 *   node scripts/pictures.ts
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Stage } from '../demo/stage.ts';
import { Browser } from '../test/support/browser.ts';
import { bareEnvironment } from '../test/support/firebreak.ts';
import { Camera } from './pictures/camera.ts';
import { photographed } from './pictures/incident.ts';

const FOLDER = join(import.meta.dirname, '..', 'docs', 'pictures');

/** A minute takes a second. */
const TIME_SCALE = 60;
const LIMIT_SECONDS = 300;

await mkdir(FOLDER, { recursive: true });
const browser = await Browser.start();
try {
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
} finally {
  await browser.stop();
}
