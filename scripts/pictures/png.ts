import { crc32, deflateSync, inflateSync } from 'node:zlib';

/**
 * Converts a PNG to one with a palette. Screenshots of text have few colors, so one byte per pixel saves two thirds.
 *
 * @param png with 8 bits per channel, with or without alpha, as browsers create it
 * @see https://www.w3.org/TR/png-3/
 */
export function withPalette(png: Buffer): Buffer {
  const { width, height, pixels } = pixelsOf(png);
  const palette = paletteOf(pixels);
  const index = nearestIn(palette);
  const rows = Buffer.alloc((width + 1) * height); // each begins with its filter: none
  for (const [at, color] of pixels.entries()) rows[at + Math.floor(at / width) + 1] = index(color);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, WITH_PALETTE], 8);
  return Buffer.concat([
    png.subarray(0, SIGNATURE_BYTES),
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap(channelsOf))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const SIGNATURE_BYTES = 8;
const WITH_PALETTE = 3;
/** Bytes per pixel by color type. */
const BYTES_OF: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

/** Packs red, green, and blue into one number. */
type Color = number;
const channelsOf = (color: Color): [number, number, number] => [color >> 16, (color >> 8) & 255, color & 255];

function distance(one: Color, other: Color): number {
  const [a, b] = [channelsOf(one), channelsOf(other)];
  return Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) + Math.abs(a[2] - b[2]);
}

type Picture = { width: number; height: number; pixels: Uint32Array };

function pixelsOf(png: Buffer): Picture {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const size = BYTES_OF[png[25] ?? 0];
  if (size === undefined || png[24] !== 8)
    throw new Error('unsupported PNG: not 8 bits per channel of red, green, blue');
  const bytes = unfiltered(inflateSync(Buffer.concat([...dataOf(png)])), { width: width * size, height, size });
  const at = (pixel: number, channel: number): number => bytes[pixel * size + channel] ?? 0;
  const color = (_: unknown, pixel: number): Color => (at(pixel, 0) << 16) | (at(pixel, 1) << 8) | at(pixel, 2);
  return { width, height, pixels: Uint32Array.from({ length: width * height }, color) };
}

function* dataOf(png: Buffer): Generator<Buffer> {
  for (let at = SIGNATURE_BYTES; at < png.length;) {
    const end = at + 8 + png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') yield png.subarray(at + 8, end);
    at = end + 4; // after its checksum
  }
}

/** Undoes the filter of a row, which stores differences from the left and upper pixels. @param width bytes per row */
function unfiltered(rows: Buffer, { width, height, size }: { width: number; height: number; size: number }): Buffer {
  const bytes = Buffer.alloc(width * height);
  for (let y = 0; y < height; y += 1) {
    const begin = y * (width + 1);
    const expected = FILTERS[rows[begin] ?? 0];
    if (expected === undefined) throw new Error(`invalid PNG: unknown row filter ${rows[begin]}`);
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      const left = x < size ? 0 : (bytes[at - size] ?? 0);
      const up = y === 0 ? 0 : (bytes[at - width] ?? 0);
      const corner = x < size || y === 0 ? 0 : (bytes[at - width - size] ?? 0);
      bytes[at] = (rows[begin + 1 + x] ?? 0) + expected(left, up, corner);
    }
  }
  return bytes;
}

/** @see https://www.w3.org/TR/png-3/#9Filter-types */
const FILTERS: readonly ((left: number, up: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, up) => up,
  (left, up) => (left + up) >> 1,
  function paeth(left, up, corner) {
    const [toLeft, toUp, toCorner] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs) as Triple;
    if (toLeft <= toUp && toLeft <= toCorner) return left;
    return toUp <= toCorner ? up : corner;
  },
];
type Triple = [number, number, number];

const PALETTE_MAX = 256;
/** Minimum distances between palette colors in successive passes, as a sum over channels. */
const MIN_DISTANCES = [96, 48, 24, 12, 6];

/** Returns the most frequent colors that differ clearly, then more similar ones, so that every rare color has a similar one. */
function paletteOf(pixels: Uint32Array): Color[] {
  const counts = new Map<Color, number>();
  for (const color of pixels) counts.set(color, (counts.get(color) ?? 0) + 1);
  const colors = [...counts].toSorted(([, one], [, other]) => other - one).map(([color]) => color);
  const palette: Color[] = [];
  for (const minDistance of MIN_DISTANCES) {
    for (const color of colors) {
      if (palette.length === PALETTE_MAX) return palette;
      if (palette.every((other) => distance(color, other) >= minDistance)) palette.push(color);
    }
  }
  return palette;
}

function nearestIn(palette: readonly Color[]): (color: Color) => number {
  const cache = new Map<Color, number>();
  return (color) => {
    const cached = cache.get(color);
    if (cached !== undefined) return cached;
    const distances = palette.map((other) => distance(color, other));
    const nearest = distances.indexOf(Math.min(...distances));
    cache.set(color, nearest);
    return nearest;
  };
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}
