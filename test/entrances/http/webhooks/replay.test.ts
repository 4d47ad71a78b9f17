import { beforeEach, expect, test } from 'vitest';
import { replay } from '../../../../entrances/http/webhooks/replay.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import type { Quarantine } from '../../../../core/domain/ports/alerts.ts';
import type { InboundEvent } from '../../../../schemas/messages/inbound-events.ts';
import { webhook } from '../../../core/actions/paging/webhooks.ts';
import { alert, group as groupOf } from '../../../support/alerts.ts';
import { signal } from '../../../support/signals.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

let world: FakeWorld;
let sent: { event: InboundEvent; group: string }[];
let done: string[];

beforeEach(() => {
  world = new FakeWorld();
  [sent, done] = [[], []];
});

const FIRST_SEEN = '2026-11-20T11:30:00.000Z';
const received = { sender: null, content_type: '', first_seen_at: FIRST_SEEN };

function again(source: string, body: string, allow: () => void = () => undefined) {
  const quarantine: Pick<Quarantine, 'get' | 'replayed'> = {
    get: async (id) =>
      id === 'q_1' ? ({ ...received, id, source, receiver: source, body: Buffer.from(body) } as never) : undefined,
    replayed: async (id, by) => void done.push(`${id} by ${by}`),
  };
  const inbound = { send: async (event: InboundEvent, group: string) => void sent.push({ event, group }) };
  return replay(
    { ...world.deps, inbound, quarantine: Object.assign(Object.create(null), quarantine) },
    { name: 'ada', allow },
    { id: 'q_1', trace: 'trace', sender: { name: 'token:ada', mayRequestRollback: () => true } },
  );
}

test('a caller without the permission replays nothing', async () => {
  const { body } = webhook('webhook-incident-acknowledged');
  const refuses = () => {
    throw new Refusal(403, 'forbidden', 'no');
  };
  await expect(again('pagerduty', body, refuses)).rejects.toMatchObject({ status: 403 });
  expect([sent, done]).toEqual([[], []]);
});

test("a PagerDuty event that can now be parsed is processed under the event's key", async () => {
  const { body } = webhook('webhook-incident-acknowledged');
  const { event } = JSON.parse(body) as { event: { id: string } };
  expect(await again('pagerduty', body)).toMatchObject({ receipt: event.id, accepted: 1 });
  expect(sent).toMatchObject([{ event: { from: 'pagerduty', key: `pagerduty:${event.id}` } }]);
  expect(done).toEqual(['q_1 by ada']);
});

test('an inbound event is processed under its own key', async () => {
  const { body } = webhook('webhook-incident-acknowledged');
  const { event } = JSON.parse(body) as { event: object };
  const inbound = { from: 'pagerduty', key: 'k1', at: '2026-11-20T12:00:00.000Z', trace: 't', event };
  expect(await again('people', JSON.stringify(inbound))).toMatchObject({ receipt: 'k1', accepted: 1 });
  expect(sent).toMatchObject([{ event: { key: 'k1' }, group: 'replayed:k1' }]);
});

test('alerts keep the time of their first receipt', async () => {
  const times: string[] = [];
  const queue = { sendAll: async ({ at }: { at: string }) => void times.push(at) };
  Object.assign(world.deps, { queue });
  const signals = JSON.stringify({
    receipt: 'r',
    receivedAt: '2026-11-20T11:40:00.000Z',
    trace: 't',
    signals: [signal()],
  });
  await again('alertmanager', JSON.stringify(groupOf([alert()])));
  await again('queue', signals);
  expect(times).toEqual([FIRST_SEEN, '2026-11-20T11:40:00.000Z']);
});

test.each([
  ['pagerduty', '{', 'wrong-shape'],
  ['pagerduty', '{"event":{"id":"E1","event_type":"service.updated","data":{}}}', 'ignored'],
  ['people', '{"from":"nobody"}', 'wrong-shape'],
  ['people', 'not json', 'wrong-shape'],
  ['slack', 'payload=%7B', 'not-replayed'],
])('%s: %s stays in quarantine: %s', async (source, body, code) => {
  await expect(again(source, body)).rejects.toMatchObject({ status: 422, code });
  expect([sent, done]).toEqual([[], []]);
});
