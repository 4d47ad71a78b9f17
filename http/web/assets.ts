import { sha256 } from '../../aws/hash.ts';
import { ICON } from './assets/icon.ts';
import { LIVE } from './assets/live.ts';
import { STYLE } from './assets/style.ts';

/** A file that pages load. Its address contains the hash of its content, so browsers may keep it for a year. */
type Asset = { path: string; type: string; text: string };

const asset = (name: string, ending: string, type: string, text: string): Asset => ({
  path: `/assets/${name}.${sha256(text).slice(0, 16)}.${ending}`,
  type,
  text,
});

export const ASSETS = {
  style: asset('console', 'css', 'text/css; charset=utf-8', STYLE),
  live: asset('live', 'js', 'text/javascript; charset=utf-8', LIVE),
  icon: asset('icon', 'svg', 'image/svg+xml', ICON),
} as const;
