import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PublicFiles } from '../../platforms/blobs.ts';
import { REFUSED_KEYS } from './blobs-conformance.ts';

export type OpenPublicFiles = { files: PublicFiles; close(): Promise<void> };

const page = (path: string, body: string) => ({ path, type: 'text/html; charset=utf-8', body });

/** Tests what every platform must do as `PublicFiles` describes it. */
export function publicFilesConformance(platform: string, open: () => Promise<OpenPublicFiles>): void {
  describe(`public files: ${platform}`, () => {
    let opened: OpenPublicFiles;
    let files: PublicFiles;
    beforeAll(async () => {
      opened = await open();
      ({ files } = opened);
    });
    afterAll(() => opened.close());

    test('a file is read as it was written last', async () => {
      await files.put(page('index.html', 'a long old page'));
      await files.put(page('index.html', 'Störung \u{1f525}'));
      await files.put(page('history/2026-11.html', ''));
      expect(await files.read('index.html')).toBe('Störung \u{1f525}');
      expect(await files.read('history/2026-11.html')).toBe('');
    });

    test('a file that does not exist is neither read nor removed', async () => {
      await files.put(page('here/index.html', 'here'));
      for (const path of ['none.html', 'none/index.html', 'here/index.html/below', 'here']) {
        expect([path, await files.read(path)]).toEqual([path, undefined]);
      }
      await files.remove('none/index.html');
      await files.remove('here/none.html');
      expect(await files.read('here/index.html')).toBe('here');
    });

    test('a removed file is gone, and those beside it stay', async () => {
      await files.put(page('partners/index.html', 'partners'));
      await files.put(page('partners/api/v2/status.json', '{}'));
      await files.remove('partners/api/v2/status.json');
      expect(await files.read('partners/api/v2/status.json')).toBeUndefined();
      expect(await files.read('partners/index.html')).toBe('partners');
      await files.put(page('partners/api/v2/status.json', 'again'));
      expect(await files.read('partners/api/v2/status.json')).toBe('again');
    });

    test.each(REFUSED_KEYS)('path %j is refused', async (path) => {
      await expect(files.put(page(path, 'x'))).rejects.toThrow(RangeError);
      await expect(files.read(path)).rejects.toThrow(RangeError);
      await expect(files.remove(path)).rejects.toThrow(RangeError);
    });
  });
}
