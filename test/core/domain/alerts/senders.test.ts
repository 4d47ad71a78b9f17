import { expect, test } from 'vitest';
import { fewestActionsOf, sendersOf } from '../../../../core/domain/alerts/senders.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';

const sent = (source: Signal['source'], sender?: string): Pick<Signal, 'sender' | 'source'> => ({
  source,
  ...(sender !== undefined && { sender }),
});

test('a token, a signature, and a person count by name, the ingest token by source', () => {
  expect(
    sendersOf([
      sent('alertmanager', 'token:shop'),
      sent('generic', 'token:shop'),
      sent('grafana', 'grafana:signature'),
      sent('alertmanager', 'person:ada'),
      sent('alertmanager', 'ingest'),
      sent('grafana', 'ingest'),
    ]),
  ).toEqual(['token:shop', 'grafana:signature', 'person:ada', 'ingest:alertmanager', 'ingest:grafana']);
});

test('an alert without a sender, or by the admin token, leaves only the limit of all services', () => {
  expect(sendersOf([sent('alertmanager', 'token:shop'), sent('alertmanager', 'admin')])).toEqual([]);
  expect(sendersOf([sent('alertmanager', 'token:shop'), sent('alertmanager')])).toEqual([]);
});

test('what one source of the ingest token caused does not count for another', () => {
  const acts = Array.from({ length: 5 }, () => ({ senders: sendersOf([sent('alertmanager', 'ingest')]) }));
  expect(fewestActionsOf(acts, sendersOf([sent('alertmanager', 'ingest')]))).toBe(5);
  expect(fewestActionsOf(acts, sendersOf([sent('grafana', 'ingest')]))).toBe(0);
});
