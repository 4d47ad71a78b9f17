import { beforeEach, expect, test } from 'vitest';
import { replay, type Kept } from '../../../http/routes/replay.ts';
import type { InboundEvent } from '../../../schemas/messages/inbound-events.ts';
import { webhook } from '../../actions/paging/webhooks.ts';
import { FakeWorld } from '../../support/fake-deps.ts';

let world: FakeWorld;
let sent: { event: InboundEvent; group: string }[];
let done: string[];

beforeEach(() => {
  world = new FakeWorld();
  [sent, done] = [[], []];
});

function again(source: string, body: string) {
  const quarantined = {
    id: 'q_1',
    source,
    receiver: source,
    content_type: '',
    body: Buffer.from(body),
  } as unknown as Kept;
  const people = { send: async (inbound: InboundEvent, group: string) => void sent.push({ event: inbound, group }) };
  const quarantine = Object.assign({}, world.deps.quarantine, { replayed: async (id: string) => void done.push(id) });
  return replay({ ...world.deps, inbound: people, quarantine }, quarantined, 'trace', {
    name: 'token:ada',
    by: 'ada',
    allow: () => undefined,
    mayAsk: () => true,
  });
}

test("a PagerDuty event that can now be parsed is processed under the event's key", async () => {
  const { body } = webhook('webhook-incident-acknowledged');
  const { event } = JSON.parse(body) as { event: { id: string } };
  expect(await again('pagerduty', body)).toMatchObject({ receipt: event.id, accepted: 1 });
  expect(sent).toMatchObject([{ event: { from: 'pagerduty', key: `pagerduty:${event.id}` } }]);
  expect(done).toEqual(['q_1']);
});

test('an inbound event is processed under its own key', async () => {
  const { body } = webhook('webhook-incident-acknowledged');
  const { event } = JSON.parse(body) as { event: object };
  const inbound = { from: 'pagerduty', key: 'k1', at: '2026-11-20T12:00:00.000Z', trace: 't', event };
  expect(await again('people', JSON.stringify(inbound))).toMatchObject({ receipt: 'k1', accepted: 1 });
  expect(sent).toMatchObject([{ event: { key: 'k1' }, group: 'replayed:k1' }]);
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
