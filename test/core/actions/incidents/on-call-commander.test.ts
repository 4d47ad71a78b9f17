import { beforeEach, describe, expect, test } from 'vitest';
import type { OnCallPerson } from '../../../../core/domain/people/on-call.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import { giveCommandToOnCall } from '../../../../core/actions/incidents/on-call-commander.ts';
import { declareIncident } from '../../../../core/actions/incidents/declare-incident.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { ChatWorld } from '../../../entrances/slack/commands/chat-world.ts';

const CAROL = { pagerduty: 'PCAROL', name: 'Carol', email: null, level: 1, person: null, slack: 'U0CAROL' };
const LATER: VendorResponse<never> = { kind: 'later', detail: 'PagerDuty does not answer', afterSeconds: null };

const INPUT = {
  service: 'checkout' as ServiceName,
  environment: 'staging' as EnvironmentName,
  title: 'Down',
  severity: 'critical',
  trace: 't',
} as const;

let chat: ChatWorld;
let pauses: number[];

beforeEach(() => {
  chat = new ChatWorld();
  chat.configure({ onCall: { payments: { schedule: 'PSCHED1' } } });
  pauses = [];
});

const declared = async (): Promise<IncidentId> => {
  const { incident } = await declareIncident(chat.deps, { name: 'ada', allow: () => undefined }, INPUT);
  return incident.id;
};

const ask = (id: IncidentId) => giveCommandToOnCall(chat.deps, id, async (seconds) => pauses.push(seconds));

const lastEntry = (id: IncidentId) => chat.timeline(id).at(-1);

test('declaring does not wait for the on-call lookup, which runs when its message is processed', async () => {
  let requested = 0;
  chat.deps.onCall.now = async (): Promise<VendorResponse<OnCallPerson[]>> => {
    requested += 1;
    return { kind: 'done', value: [CAROL] };
  };
  const id = await declared();
  expect(requested).toBe(0);
  expect(chat.queued).toMatchObject([{ from: 'firebreak', ask: 'on_call', incident: id, key: `on-call:${id}` }]);
  await chat.deliverQueued();
  expect((await chat.record(id)).roles?.commander).toMatchObject({ shown: 'Carol' });
  expect(lastEntry(id)).toBe('firebreak: Assigned command to Carol, who is on call for payments');
});

test('a lookup that fails temporarily is retried', async () => {
  const id = await declared();
  chat.world.onCall = [LATER, LATER, { kind: 'done', value: [CAROL] }];
  await ask(id);
  expect(pauses).toEqual([1, 3]);
  expect(lastEntry(id)).toBe('firebreak: Assigned command to Carol, who is on call for payments');
});

test.each([
  [LATER, 'The on-call responder of payments could not be looked up (PagerDuty does not answer)'],
  [{ kind: 'refused', code: '401', detail: 'the token is not good' }, 'could not be looked up (the token is not good)'],
  [{ kind: 'done', value: [] }, 'No responder is on call for payments'],
] satisfies [VendorResponse<OnCallPerson[]>, string][])(
  'the timeline says that the lookup found no responder: %o',
  async (failed, words) => {
    const id = await declared();
    chat.world.onCall = [failed];
    await ask(id);
    await ask(id);
    expect(chat.timeline(id)).toHaveLength(1);
    expect(lastEntry(id)).toContain(words);
    expect(lastEntry(id)).toContain('. The incident has no commander until a person takes command');
  },
);

test('a person who took command in the meantime keeps it, without a lookup', async () => {
  const id = await declared();
  const holder = { name: 'ada', shown: 'Ada', slack: null, at: chat.world.clock.now() };
  await chat.deps.incidents.amend(id, () => ({ roles: { commander: holder } }));
  chat.deps.onCall.now = async () => expect.unreachable();
  await ask(id);
  expect((await chat.record(id)).roles?.commander).toMatchObject({ name: 'ada' });
});

test('there is no lookup without a configured schedule', async () => {
  chat.configure({});
  await declared();
  expect(chat.queued).toEqual([]);
});

test('the incident is declared even if the lookup cannot be queued, and its timeline says so', async () => {
  chat.deps.inbound.send = async () => {
    throw new Error('SQS is away');
  };
  expect(lastEntry(await declared())).toMatch(
    /^firebreak: The on-call responder of payments could not be looked up\. The incident has no commander/,
  );
});

describe('the on-call responder', () => {
  test('gets command of an open incident without a commander when it is declared again', async () => {
    const id = await declared();
    chat.queued.length = 0;
    await declareIncident(
      chat.deps,
      { name: 'bob', allow: () => undefined },
      { ...INPUT, title: 'Charged twice', trace: 'b' },
    );
    expect(chat.queued).toMatchObject([{ ask: 'on_call', incident: id }]);
  });

  test('also gets command of the parent if it has no commander', async () => {
    const id = await declared();
    const because = { because: 'many', name: '', text: '4 incidents in 5 minutes' } as const;
    const parent = await chat.deps.incidentGroups.openParent('staging', because, because.text, 't');
    await chat.deps.incidentGroups.join(parent, id);
    chat.world.onCall = [{ kind: 'done', value: [CAROL] }];
    await ask(id);
    await ask(id);
    expect((await chat.record(parent)).roles?.commander).toMatchObject({ shown: 'Carol', slack: 'U0CAROL' });
    expect(chat.timeline(parent).filter((entry) => entry.includes('command'))).toEqual([
      'firebreak: Carol has command, as commander of the child incident checkout staging',
    ]);
  });
});
