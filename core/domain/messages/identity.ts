/**
 * The identity of Firebreak: its mark, its colors, and its type, for the console, the status page, the sandbox, and email.
 * Text has a contrast of at least 4.5 to 1 on the grounds of its color scheme.
 */

/** The background of the mark, in both color schemes. */
export const BRAND = '#b3361b';

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif";
export const MONO_FONT = "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace";

/** Colors by the name of their CSS variable: in a light, and in a dark color scheme. */
export const COLORS = {
  ground: ['#f5f6f8', '#0e1217'],
  surface: ['#ffffff', '#161b22'],
  raised: ['#f0f2f5', '#1e252e'],
  text: ['#1a1f26', '#e4e8ed'],
  quiet: ['#57606c', '#9fa9b5'],
  line: ['#d9dee5', '#2b343f'],
  'strong-line': ['#828c99', '#6b7685'],
  link: ['#0a55a8', '#7cb8ff'],
  brand: ['#c2401f', '#ff8a65'],
  critical: ['#b02318', '#ff9a91'],
  'critical-ground': ['#fdecea', '#3a1a18'],
  warning: ['#805000', '#f2bc66'],
  'warning-ground': ['#fdf2dc', '#33270f'],
  good: ['#196b35', '#7fd79b'],
  'good-ground': ['#e5f4ea', '#14301e'],
  info: ['#0a55a8', '#8dc1ff'],
  'info-ground': ['#e6f0fb', '#142a44'],
  bar: ['#3b7dd8', '#5b9bec'],
  track: ['#dde3ea', '#2b343f'],
  primary: ['#0a55a8', '#2c71c4'],
  'on-primary': ['#ffffff', '#ffffff'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

export type ColorName = keyof typeof COLORS;

/** Returns the CSS of the variables, which follow the color scheme of the reader. */
export const colorVariables = (): string => {
  const declared = (scheme: 0 | 1): string =>
    Object.entries(COLORS)
      .map(([name, colors]) => `--${name}:${colors[scheme]}`)
      .join(';');
  return `:root{color-scheme:light dark;${declared(0)};--font:${FONT};--mono:${MONO_FONT}}
@media(prefers-color-scheme:dark){:root{${declared(1)}}}
`;
};

/** The stones of the mark: a wall. */
export const WALL = 'M7 9h8v6H7zM17 9h8v6h-8zM7 17h5v6H7zM14 17h11v6H14z';

/** Returns the mark as SVG. @param attributes of the element @param over what is drawn over the mark */
export const markSvg = (attributes = '', over = ''): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"${attributes === '' ? '' : ` ${attributes}`}><rect width="32" height="32" rx="7" fill="${BRAND}"/><path d="${WALL}" fill="#fff"/>${over}</svg>`;

/** The mark as an address, for pages that load nothing. */
export const MARK_URL = `data:image/svg+xml,${encodeURIComponent(markSvg())}`;
