import { describe, expect, test } from 'vitest';
import { signalQueue } from '../../../../core/stores/queues/signals.ts';
import type { Receipt } from '../../../../core/domain/ports/alerts.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import type { Queues } from '../../../../platforms/queues.ts';
import { enqueue } from '../../../../core/actions/alerts/enqueue.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { SignalMessage, type Signal } from '../../../../schemas/alerts/signal.ts';
import { sources } from '../../../../schemas/alerts/sources/index.ts';
import { alert, group } from '../../../support/alerts.ts';
import { signal, stranger } from '../../../support/signals.ts';

const receipt: Receipt = {
  id: 'receipt',
  at: '2026-11-20T12:00:00.000Z' as Receipt['at'],
  trace: 'trace',
};

const notCalled = () => Promise.reject(new Error('not called'));

/** Returns everything that is sent, in order. */
async function sent(send: (queue: Product['queue']) => Promise<unknown>) {
  const messages: { queue: string; group: string; services: string[]; bytes: number }[] = [];
  const queues: Queues = {
    send: async (queue, all) => {
      for (const { group: ofMessage = '', body } of all) {
        const { signals } = SignalMessage.parse(JSON.parse(body));
        const services = signals.map(({ service, unmatched }) => unmatched ?? service);
        messages.push({ queue, group: ofMessage, services, bytes: body.length });
      }
    },
    counts: notCalled,
    dead: notCalled,
    redrive: notCalled,
  };
  const blobs: Product['blobs'] = { get: async () => undefined, put: async () => undefined, putNew: async () => true };
  await send(signalQueue(queues, blobs));
  return messages;
}

const strangers = (count: number, more: (n: number) => Partial<Signal> = () => ({})): Signal[] =>
  Array.from({ length: count }, (_, n) => stranger(`unknown-${n}`, { fingerprint: `f-${n}`, ...more(n) }));

describe('a flood of alerts of services outside the catalogue', () => {
  const flood = strangers(5000, (n) => ({
    environment: `environment-${n}` as EnvironmentName,
    requestsRollback: true,
  }));
  const known = signal({ service: 'checkout' as ServiceName, fingerprint: 'known' });

  test('delays no alert of a known service, neither in its queue nor before it', async () => {
    const messages = await sent((queue) => queue.sendAll(receipt, [...flood, known]));
    expect(messages[0]).toMatchObject({ queue: 'urgent', services: ['checkout'] });
    expect(messages.filter(({ queue }) => queue !== 'unmatched')).toHaveLength(1);
  });

  test('stays in its own queue, even at the receiver that requests rollbacks', async () => {
    const messages = await sent((queue) => queue.sendAll({ ...receipt, urgent: true }, [...flood.slice(0, 20), known]));
    expect(messages.filter(({ queue }) => queue === 'urgent')).toMatchObject([{ services: ['checkout'] }]);
  });

  test('is sent in as few messages as possible, regardless of the service names', async () => {
    const messages = await sent((queue) => queue.sendAll(receipt, flood));
    expect(messages.flatMap(({ services }) => services)).toHaveLength(5000);
    expect(messages.length).toBeLessThanOrEqual(5000 / 25 + 4);
    expect(new Set(messages.map(({ group: own }) => own)).size).toBeLessThanOrEqual(4);
  });

  test('keeps notifications of one alert in order', async () => {
    const [one] = strangers(1) as [Signal];
    const others = strangers(100).slice(1);
    const ofOne = await Promise.all(
      [one, { ...one, status: 'resolved' as const }].map(async (told) => {
        const messages = await sent((queue) => queue.sendAll(receipt, [...others, told]));
        return messages.find(({ services }) => services.includes('unknown-0'))?.group;
      }),
    );
    expect(new Set(ofOne).size).toBe(1);
  });
});

test('the most critical services of a request are sent first', async () => {
  const tiers = { cart: 3, checkout: 1, search: undefined, ledger: 2 };
  const services = Object.fromEntries(Object.entries(tiers).map(([name, tier]) => [name, { ...(tier && { tier }) }]));
  const config = Config.parse({ version: 'none', services, paging: {} });
  const alerts = Object.keys(tiers).map((service) =>
    alert({ fingerprint: service, labels: { service, severity: 'critical' } }),
  );
  const parsed = sources.get('alertmanager')?.parse(JSON.stringify(group(alerts)), () => 0);
  if (parsed?.ok !== true) throw new Error(parsed?.fault.detail);
  const deps = { config: { current: async () => config, problems: async () => [] } };
  const messages = await sent((queue) => enqueue({ ...deps, queue }, receipt, parsed.parsed.alerts));
  expect(messages.flatMap((message) => message.services)).toEqual(['checkout', 'ledger', 'cart', 'search']);
});
