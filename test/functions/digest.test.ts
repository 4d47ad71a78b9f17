import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, Firebreak } from '../support/firebreak.ts';
import { seen } from '../support/fixtures.ts';

const STAKEHOLDERS = `
stakeholders:
  - { email: [cto@acme.example, support@acme.example], everyMinutes: 60 }
  - { slack: '#status', services: [checkout] }
  - { email: search-lead@acme.example, services: [search] }
triage: { acknowledgeMinutes: off, commanderMinutes: off, updateMinutes: off }
`;

const place = { environments: { production: {} } };

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    services: { checkout: place, search: place },
    configFiles: { 'response.yaml': STAKEHOLDERS },
    timeScale: 60, // the sweeper comes each second
  });
});
afterAll(() => firebreak.remove());

const letters = async () =>
  (await firebreak.calls('mail')).map(({ path, body }) => ({ to: path.slice(1), body: String(body) }));
const lettersTo = async (to: string) => (await letters()).filter((letter) => letter.to === to).map(({ body }) => body);
const messages = async () =>
  (await firebreak.calls('slack'))
    .filter(({ path }) => path.endsWith('/chat.postMessage'))
    .map(({ body }) => new URLSearchParams(String(body)))
    .filter((form) => form.get('channel') === '#status')
    .map((form) => String(form.get('text')));

describe('stakeholders', { timeout: 60_000 }, () => {
  let id: string;

  test('are told that it is there, each by a letter that names nobody else', async () => {
    const wanted = { service: 'checkout', environment: 'production', title: 'Payments fail', severity: 'critical' };
    const { body } = await firebreak.post('/v1/incidents', wanted);
    ({ id } = body);
    const [letter] = await seen(async () => {
      const all = await lettersTo('cto@acme.example');
      return all.length > 0 && all;
    }, 'a letter');
    expect(letter).toMatch(/^Subject: checkout production: Payments fail \(critical, open\)$/m);
    expect(letter).toContain('In command: nobody yet');
    expect(letter).not.toContain('support@acme.example');
    await seen(async () => (await lettersTo('support@acme.example')).length === 1, 'the other letter');
    await seen(async () => (await messages()).some((text) => text.startsWith('checkout production')), 'a message');
  });

  test('hear when it has changed, and once that it is over', async () => {
    await firebreak.request(
      'PATCH',
      `/v1/incidents/${id}`,
      { severity: 'warning' },
      { authorization: `Bearer ${ADMIN_TOKEN}` },
    );
    await seen(async () => (await lettersTo('cto@acme.example')).length === 2, 'a second letter');
    await firebreak.post(`/v1/incidents/${id}/actions/resolve`);
    const all = await seen(async () => {
      const now = await lettersTo('cto@acme.example');
      return now.length === 3 && now;
    }, 'a third letter');
    expect(all.filter((letter) => /^Subject: Over: /m.test(letter))).toHaveLength(1);
  });

  test('hear nothing of what is none of theirs', async () => {
    await seen(async () => (await messages()).length === 3, 'the last message');
    expect(await lettersTo('search-lead@acme.example')).toEqual([]);
  });
});
