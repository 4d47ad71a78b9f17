import { expect, test } from 'vitest';
import { approvalLinks } from '../../../functions/assembly/approval-links.ts';
import { LINK_KEY, parametersFor } from '../../../functions/assembly/secret-groups.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

const DECISION = '01J0000000000000000000000A-2';
const UNTIL = '2026-11-20T13:00:00.000Z' as Timestamp;

const linksOf = (adminToken: string | undefined) => {
  const { links = '{}' } = parametersFor(adminToken === undefined ? {} : { FIREBREAK_ADMIN_TOKEN: adminToken });
  return approvalLinks({ get: async (name) => (JSON.parse(links) as Record<string, string>)[name] });
};

const signed = async (): Promise<string> =>
  (await linksOf('token').sign({ decision: DECISION, until: UNTIL })) ?? expect.unreachable();

test('a link names its question and its end', async () => {
  expect(await linksOf('token').read(await signed())).toEqual({ decision: DECISION, until: UNTIL });
});

test('the same question has the same link, so that messages stay as they are', async () => {
  expect(await signed()).toBe(await signed());
});

test('a link of which any character was changed is not read', async () => {
  const link = await signed();
  for (let n = 0; n < link.length; n += 1)
    for (const other of ['0', '1', 'A', 'B', '.', '-', '']) {
      if (other === link[n]) continue;
      expect(await linksOf('token').read(link.slice(0, n) + other + link.slice(n + 1))).toBeUndefined();
    }
  for (const text of ['', '.', `${link}A`, ` ${link}`, `${link}\n`, link.toLowerCase(), '__proto__'])
    expect(await linksOf('token').read(text)).toBeUndefined();
});

test('a replaced admin token makes links invalid', async () => {
  expect(await linksOf('another').read(await signed())).toBeUndefined();
});

test('without an admin token nothing is signed or read', async () => {
  expect(await linksOf(undefined).sign({ decision: DECISION, until: UNTIL })).toBeUndefined();
  expect(await linksOf(undefined).read(await signed())).toBeUndefined();
});

test('functions that write links cannot read the admin token from the key', () => {
  const { access = '', links = '' } = parametersFor({ FIREBREAK_ADMIN_TOKEN: 'a secret token' });
  expect(access).toContain('a secret token');
  expect(Object.keys(JSON.parse(links) as object)).toEqual([LINK_KEY]);
  expect(links).not.toContain('a secret token');
});
