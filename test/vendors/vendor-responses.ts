import { expect, test } from 'vitest';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { exchange } from '../../packages/sandbox/test/support.ts';
import { impatient } from './time-limits.ts';
import { nobody, type Received, type Reply, vendor } from './server.ts';

/** Returns the response of a recorded exchange. */
export const recorded = (name: string): Exclude<Reply, string | { cut: number }> => {
  const { status, headers, body } = exchange(name).response;
  return { status, headers, body };
};

/** Returns the bodies of the requests, in order. */
export const sent = (received: readonly Received[]): unknown[] =>
  received.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body) as unknown);

/** A call of an adapter at this address. */
export type Attempt = (url: string) => Promise<VendorResponse<unknown>>;

/** Tests the requirements for every call of every adapter. The names of the calls are part of the test titles. */
export function respondsAsAgreed(calls: { read: Record<string, Attempt>; write: Record<string, Attempt> }): void {
  const all = { ...calls.read, ...calls.write };
  const html = { headers: { 'content-type': 'text/html' }, body: '<html>please log in</html>' };
  for (const [name, attempt] of Object.entries(all)) {
    const unfinished = name in calls.write ? 'unclear' : 'later';
    test.each<[string, Reply, object]>([
      ['400', { status: 400 }, { kind: 'refused', code: 'bad_request' }],
      ['401', { status: 401 }, { kind: 'refused', code: 'unauthorized' }],
      ['403', { status: 403 }, { kind: 'refused', code: 'forbidden' }],
      ['404', { status: 404 }, { kind: 'refused', code: 'not_found' }],
      ['410', { status: 410 }, { kind: 'refused', code: 'gone' }],
      ['422', { status: 422 }, { kind: 'refused', code: 'invalid' }],
      ['451', { status: 451 }, { kind: 'refused', code: 'http_451' }],
      ['302', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, { kind: 'refused', code: 'http_302' }],
      ['429', { status: 429, headers: { 'retry-after': '7' } }, { kind: 'later', afterSeconds: 7 }],
      ['500', { status: 500 }, { kind: unfinished }],
      ['502 in HTML', { status: 502, ...html }, { kind: unfinished }],
      ['half an answer', { cut: 200 }, { kind: unfinished }],
    ])(`${name}: %s is requested once`, async (_, reply, expected) => {
      const { url, received } = await vendor(reply);
      expect(await attempt(url)).toMatchObject(expected);
      expect(received).toHaveLength(1);
    });

    test(`${name}: nothing in time is "${unfinished}"`, async () => {
      const limits = impatient();
      const { url } = await vendor('hang');
      expect(await attempt(url)).toMatchObject({ kind: unfinished });
      expect(limits).toEqual([10_000]);
    });

    test(`${name}: no listener at the address is "${unfinished}"`, async () => {
      expect(await attempt(await nobody())).toMatchObject({ kind: unfinished });
    });

    test(`${name}: an invalid address is refused and not revealed`, async () => {
      for (const url of ['no address', 'ftp://127.0.0.1', 'http://user:hunter2@127.0.0.1:9']) {
        const response = await attempt(url);
        expect(response).toMatchObject({ kind: 'refused', code: 'bad_url' });
        expect(JSON.stringify(response)).not.toContain('hunter2');
      }
    });
  }
}
