import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Blobs } from '../../platforms/blobs.ts';

export type OpenBlobs = { blobs: Blobs; close(): Promise<void> };

/** Keys that no platform accepts. */
export const REFUSED_KEYS = [
  '',
  '/',
  '/etc/passwd',
  '..',
  '../outside',
  'a/../../outside',
  'a/..',
  './a',
  'a//b',
  'a/',
  '.hidden',
  'a/.hidden',
  'a\\b',
  'a b',
  'a\0b',
  'a\nb',
  'a\n',
  'ä',
  'a:b',
  'x'.repeat(256),
];

/** Tests what every platform must do as `Blobs` describes it. */
export function blobsConformance(platform: string, open: () => Promise<OpenBlobs>): void {
  describe(`blobs: ${platform}`, () => {
    let opened: OpenBlobs;
    let blobs: Blobs;
    beforeAll(async () => {
      opened = await open();
      ({ blobs } = opened);
    });
    afterAll(() => opened.close());

    const textOf = async (key: string) => {
      const body = await blobs.get(key);
      return body === undefined ? undefined : Buffer.from(body).toString();
    };

    test('a blob is read as it was written, and one that was not written does not exist', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
      await blobs.put('read/bytes', bytes, 'application/octet-stream');
      expect(Buffer.from((await blobs.get('read/bytes')) ?? []).equals(bytes)).toBe(true);
      await blobs.put('read/text.json', '{"ä":"\u{1f525}"}', 'application/json');
      expect(await textOf('read/text.json')).toBe('{"ä":"\u{1f525}"}');
      await blobs.put('read/empty', '', 'text/plain');
      expect(await textOf('read/empty')).toBe('');
      for (const key of ['read/other', 'other/bytes', 'read', 'read/bytes/below'])
        expect(await blobs.get(key)).toBeUndefined();
    });

    test('a blob has several megabytes', async () => {
      const large = Buffer.alloc(6 * 1024 * 1024, 'large');
      await blobs.put('large.bin', large, 'application/octet-stream');
      expect(large.equals((await blobs.get('large.bin')) ?? new Uint8Array())).toBe(true);
    });

    test('a new value replaces all of the old one', async () => {
      await blobs.put('replaced', 'a long old value', 'text/plain');
      await blobs.put('replaced', 'new', 'text/plain');
      expect(await textOf('replaced')).toBe('new');
    });

    test('a blob that exists is not replaced by a new one', async () => {
      expect(await blobs.putNew('new/1.json', 'first', 'text/plain')).toBe(true);
      expect(await blobs.putNew('new/1.json', 'second', 'text/plain')).toBe(false);
      expect(await textOf('new/1.json')).toBe('first');
      await blobs.put('new/2.json', 'put', 'text/plain');
      expect(await blobs.putNew('new/2.json', 'second', 'text/plain')).toBe(false);
      await blobs.put('new/1.json', 'replaced', 'text/plain');
      expect(await textOf('new/1.json')).toBe('replaced');
    });

    test('of several new ones at the same time, one is stored', async () => {
      const values = Array.from({ length: 8 }, (_, n) => `value ${n}`);
      for (let round = 0; round < 3; round += 1) {
        const key = `race/new-${round}`;
        const stored = await Promise.all(values.map((value) => blobs.putNew(key, value, 'text/plain')));
        expect(stored.filter(Boolean)).toHaveLength(1);
        expect(await textOf(key)).toBe(values[stored.indexOf(true)]);
      }
    });

    test('readers during a replacement get the old value or the new one', async () => {
      const values = Array.from({ length: 10 }, (_, n) => String(n).repeat(200_000));
      await blobs.put('race/replaced', values[0] ?? '', 'text/plain');
      const reads = Array.from({ length: 40 }, () => textOf('race/replaced'));
      await Promise.all(values.map((value) => blobs.put('race/replaced', value, 'text/plain')));
      for (const read of [...(await Promise.all(reads)), await textOf('race/replaced')])
        expect(values.includes(read ?? ''), `${read?.length} characters`).toBe(true);
    });

    test('many are stored at the same time', async () => {
      const keys = Array.from({ length: 60 }, (_, n) => `many/${n % 7}/deep/${n}.json`);
      await Promise.all(keys.map((key) => blobs.put(key, key, 'text/plain')));
      expect(await Promise.all(keys.map(textOf))).toEqual(keys);
    });

    test.each(REFUSED_KEYS)('key %j is refused', async (key) => {
      await expect(blobs.put(key, 'x', 'text/plain')).rejects.toThrow(RangeError);
      await expect(blobs.putNew(key, 'x', 'text/plain')).rejects.toThrow(RangeError);
      await expect(blobs.get(key)).rejects.toThrow(RangeError);
    });

    test.each(['01JCYZ7Q8M3N5P7R9T1V3X5Z7B', 'a.b_c-d.json', '-a', '_', 'x'.repeat(255), 'constructor/__proto__'])(
      'key %j is accepted',
      async (key) => {
        expect(await blobs.putNew(key, 'x', 'text/plain')).toBe(true);
        expect(await textOf(key)).toBe('x');
      },
    );
  });
}
