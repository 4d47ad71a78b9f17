import { expect, test } from 'vitest';
import { internalIn, type InternalTexts } from '../../decisions/internal-texts.ts';

const INTERNAL: InternalTexts = {
  names: ['checkout', 'auth', 'Nora Quist', 'payments'],
  labels: ['checkout-7f9c', 'production', 'db-1.eu'],
  texts: ['HighErrorRate: checkout-7f9c is down\nsee the runbook', 'short'],
  published: ['Checkout', 'Shop'],
  hosts: ['status.acme.example'],
};
const found = (text: string, permit: string[] = []): string[] =>
  internalIn(text, INTERNAL, permit).map((one) => one.text);

test.each([
  ['Checkout was slow in production. We are sorry, short as it is.', []],
  ['The service AUTH failed', ['auth']],
  ['authors and unauthorized readers', []],
  ['nora quist restarted it', ['Nora Quist']],
  ['Pod checkout-7f9c and db-1.eu', ['checkout-7f9c', 'db-1.eu']],
  ['As it says: see  the\nRUNBOOK today', ['see the runbook']],
  ['See https://status.acme.example/incidents/1.html', []],
  [
    'See https://grafana.acme.example/d/1 or http://10.1.2.3/',
    ['https://grafana.acme.example/d/1', 'http://10.1.2.3/', '10.1.2.3'],
  ],
  ['[here](javascript://x) and db.prod.svc.cluster.local', ['javascript://x', 'db.prod.svc.cluster.local']],
  ['> **Question:** Why?', ['**Question:**']],
])('%s', (text, expected) => {
  expect(found(text)).toEqual(expected);
});

test('a person can declare a name or a link public, but no text of an alert', () => {
  expect(found('Auth, https://blog.acme.example/1', ['auth', 'https://blog.acme.example/1'])).toEqual([]);
  expect(found('see the runbook', ['see the runbook'])).toEqual(['see the runbook']);
});
