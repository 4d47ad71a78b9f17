import { sha256 } from '../../stores/core/hash.ts';
import { LIVE } from './assets/live.ts';
import { STYLE } from './assets/style.ts';

/** A file that pages load. Its address contains the hash of its content, so browsers may keep it for a year. */
type Asset = { path: string; type: string; text: string };

const asset = (name: string, ending: string, type: string, text: string): Asset => ({
  path: `/assets/${name}.${sha256(text).slice(0, 16)}.${ending}`,
  type,
  text,
});

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#b3361b"/><path d="M7 9h8v6H7zM17 9h8v6h-8zM7 17h5v6H7zM14 17h11v6H14z" fill="#fff"/>
</svg>
`;

/** All files that pages load. */
export const ASSETS = {
  style: asset('console', 'css', 'text/css; charset=utf-8', STYLE),
  live: asset('live', 'js', 'text/javascript; charset=utf-8', LIVE),
  icon: asset('icon', 'svg', 'image/svg+xml', ICON),
} as const;
