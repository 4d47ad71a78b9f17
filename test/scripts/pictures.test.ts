import { crc32, deflateSync, inflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emailPage } from '../../scripts/pictures/email.ts';
import { withPalette } from '../../scripts/pictures/png.ts';

type Colour = readonly [number, number, number];

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

/** Encodes a PNG as browsers can, with a filter for each row. @param filters 0 to 4, one for each row */
function png(rows: readonly (readonly Colour[])[], filters: readonly number[]): Buffer {
  const width = rows[0]?.length ?? 0;
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(rows.length, 4);
  head.set([8, 2], 8);
  const flat = rows.map((row) => row.flat());
  const told = flat.map((row, y) => {
    const above = flat[y - 1];
    const differences = row.map((value, x) => {
      const [left, up, corner] = [row[x - 3] ?? 0, above?.[x] ?? 0, above?.[x - 3] ?? 0];
      const estimate = left + up - corner;
      const nearest = [left, up, corner].toSorted((a, b) => Math.abs(estimate - a) - Math.abs(estimate - b))[0] ?? 0;
      return (value - ([0, left, up, (left + up) >> 1, nearest][filters[y] ?? 0] ?? 0)) & 255;
    });
    return [filters[y] ?? 0, ...differences];
  });
  const data = deflateSync(Buffer.from(told.flat()));
  const half = data.length >> 1;
  const parts = [chunk('IDAT', data.subarray(0, half)), chunk('IDAT', data.subarray(half))];
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), ...parts, chunk('IEND', Buffer.alloc(0))]);
}

/** Returns the pixels of a PNG with a palette. */
function shown(picture: Buffer): Colour[][] {
  const chunks = new Map<string, Buffer>();
  for (let at = SIGNATURE.length; at < picture.length;) {
    const end = at + 8 + picture.readUInt32BE(at);
    expect(picture.readUInt32BE(end)).toBe(crc32(picture.subarray(at + 4, end)));
    chunks.set(picture.toString('latin1', at + 4, at + 8), picture.subarray(at + 8, end));
    at = end + 4;
  }
  const [head, palette, data] = ['IHDR', 'PLTE', 'IDAT'].map((type) => chunks.get(type) ?? Buffer.alloc(0)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const width = head.readUInt32BE(0);
  const rows = inflateSync(data);
  return Array.from({ length: head.readUInt32BE(4) }, (_row, y) =>
    Array.from({ length: width }, (_pixel, x) => {
      const at = (rows[y * (width + 1) + 1 + x] ?? 0) * 3;
      return [...palette.subarray(at, at + 3)] as unknown as Colour;
    }),
  );
}

test('a packed picture has the same pixels, regardless of its filters', () => {
  // Steps of 51: no two of them look alike.
  const channel = fc.integer({ min: 0, max: 5 }).map((step) => step * 51);
  const colour = fc.tuple(channel, channel, channel);
  const size = { minLength: 3, maxLength: 3 };
  const picture = fc.array(fc.array(colour, size), { minLength: 1, maxLength: 6 });
  const filters = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(picture, filters, (rows, of) => {
      expect(shown(withPalette(png(rows, of)))).toEqual(rows);
    }),
  );
});

test('with more colors than a palette holds, each maps to a similar one', () => {
  const rows = Array.from({ length: 64 }, (_row, y): Colour[] =>
    Array.from({ length: 64 }, (_pixel, x) => [x * 4, y * 4, 128]),
  );
  for (const [y, row] of shown(withPalette(png(rows, []))).entries())
    for (const [x, [red, green, blue]] of row.entries())
      expect(Math.abs(red - x * 4) + Math.abs(green - y * 4) + Math.abs(blue - 128)).toBeLessThan(64);
});

test('an email is shown as it was sent', () => {
  const raw = [
    'From: Firebreak <f@example.com>',
    'Subject: checkout: it fails a little more than',
    ' usual',
    'Content-Type: multipart/alternative;',
    ' boundary="--_parts_1"',
    '',
    '----_parts_1',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Not this part',
    '----_parts_1',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p>Caf=C3=A9 =3D 5, and a line that=',
    ' goes on</p>',
    '----_parts_1--',
  ].join('\r\n');
  const page = emailPage(raw);
  expect(page).toContain('<p>Café = 5, and a line that goes on</p>');
  expect(page).not.toContain('Not this part');
});
