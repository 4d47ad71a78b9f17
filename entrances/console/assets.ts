import { sha256 } from '../../core/stores/hash.ts';
import { markSvg } from '../../core/domain/messages/identity.ts';
import { KEYS } from './assets/keys.ts';
import { LIVE } from './assets/live.ts';
import { PLOT_LOADER, PLOT_STYLE, plotScript } from './assets/plots.ts';
import { NAVIGATION, REMEMBER, SAY } from './assets/remember.ts';
import { STYLE } from './assets/style.ts';
import { TIMES } from './assets/times.ts';

/** A file that pages load. Its address contains the hash of its content, so browsers may keep it for a year. */
type Asset = { path: string; type: string; text: string };

const asset = (name: string, ending: string, type: string, text: string): Asset => ({
  path: `/assets/${name}.${sha256(text).slice(0, 16)}.${ending}`,
  type,
  text,
});

/** Says that a question waits for approval. */
const QUESTION =
  '<circle cx="23" cy="9" r="9" fill="#ffd23f" stroke="#1a1f26" stroke-width="2"/><path d="M23 4v6M23 12v2" stroke="#1a1f26" stroke-width="3"/>';

/** The script of every page. Its parts share their functions. */
const SCRIPT = `'use strict';\n(() => {${TIMES}${KEYS}${NAVIGATION}${REMEMBER}${SAY}${PLOT_LOADER}${LIVE}})();\n`;

/** The files that all pages load. */
export const ASSETS = {
  style: asset('console', 'css', 'text/css; charset=utf-8', STYLE + PLOT_STYLE),
  live: asset('live', 'js', 'text/javascript; charset=utf-8', SCRIPT),
  icon: asset('icon', 'svg', 'image/svg+xml', markSvg()),
  iconAsks: asset('icon-asks', 'svg', 'image/svg+xml', markSvg('', QUESTION)),
} as const;

let plots: Asset | undefined;

/**
 * Returns the script of pages that plot: uPlot, and what draws with it.
 *
 * @throws if uPlot is not installed
 */
export const plotAsset = (): Asset => (plots ??= asset('plots', 'js', 'text/javascript; charset=utf-8', plotScript()));
