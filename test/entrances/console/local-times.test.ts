import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LOCAL_TEXT } from '../../../entrances/console/assets/times.ts';

const { TZ } = process.env;
beforeEach(() => void (process.env['TZ'] = 'Asia/Kolkata'));
afterEach(() => void (TZ === undefined ? delete process.env['TZ'] : (process.env['TZ'] = TZ)));

const NOON = new Date('2026-11-20T12:00:00Z');

/** Runs this part of the script of pages. */
const local = (text: string): string => runInNewContext(`${LOCAL_TEXT} localText(text, now);`, { text, now: NOON });

test.each([
  ['Approve or reject by 12:16 UTC.', 'Approve or reject by 17:46 GMT+5:30.'],
  ['Sampled at 12:16:31 UTC', 'Sampled at 17:46:31 GMT+5:30'],
  ['v2 was cleared by ada at 2026-11-20 21:03 UTC, and', 'v2 was cleared by ada at 2026-11-21 02:33 GMT+5:30, and'],
  ['from 2026-11-20 12:03 to 12:16 UTC', 'from 2026-11-20 17:33 to 17:46 GMT+5:30'],
  ['All times are UTC. 99:99 UTC', 'All times are UTC. 99:99 UTC'],
])('a text with a time follows the switch: %s', (text, expected) => {
  expect(local(text)).toBe(expected);
});
