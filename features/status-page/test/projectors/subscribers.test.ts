import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delivered, Email } from '../../../../core/domain/ports/mail.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { SubscriberWebhooks } from '../../types.ts';
import { subscribersProjector } from '../../projectors/subscribers/subscribers.ts';
import type { PublicIncident } from '../../schemas/public-incident.ts';
import type { Subscriber } from '../../schemas/subscriber.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { at, MemoryPublicIncidents, publicIncident } from '../support/public-incidents.ts';
import { StoredData } from '../../../../test/support/stored-data.ts';
import { MemorySubscribers, subscriber } from '../support/subscribers.ts';
import { Table } from '../../../../core/stores/table.ts';
import { DeliveryTable } from '../../stores/deliveries.ts';
import { anyTrouble, NO_TROUBLE } from '../../../../test/vendors/projectors/trouble.ts';
import { configOf, START, type Trouble, World } from '../../../../test/vendors/projectors/world.ts';
import { runs } from '../../../../test/support/runs.ts';

const PAGES = {
  main: {
    title: 'Acme Status',
    timeZone: 'Europe/Berlin',
    url: 'https://status.acme.example',
    subscriptions: ['email', 'slack', 'webhook'],
    components: ['Checkout', 'Search'],
  },
  partners: { title: 'Partners', components: ['Checkout'] },
};
const MAINTENANCE = {
  id: 'upgrade',
  title: 'Upgrade of {components}',
  components: ['Search'],
  announced: '2026-11-20T11:59:00Z',
  from: '2026-11-20T13:00:00Z',
  until: '2026-11-20T14:00:00Z',
  text: '{components} is read-only.',
};

const ADA = subscriber();
const BEA = subscriber({ id: 'b'.repeat(32), to: 'bea@acme.example', components: ['Search'] });
const ALL = [
  ADA,
  BEA,
  subscriber({ id: 'c'.repeat(32), to: 'cem@acme.example', components: ['Checkout', 'Search'] }),
  subscriber({ id: 'd'.repeat(32), to: 'dan@acme.example', state: 'pending', confirmed_at: null }),
  subscriber({ id: 'e'.repeat(32), to: 'eve@acme.example', state: 'suspended' }),
  subscriber({ id: 'f'.repeat(32), to: 'fay@acme.example', page: 'partners' }),
];

type Post = Parameters<SubscriberWebhooks['send']>[0];
const DONE = { kind: 'done', value: null } as const;

function worldOf(
  trouble: Trouble,
  subscribers: readonly Subscriber[] = ALL,
  answer?: (email: Email) => Delivered,
  atWebhook: (call: Post) => VendorResponse<null> = () => DONE,
) {
  const shown = new MemoryPublicIncidents();
  const stored = new MemorySubscribers(...subscribers);
  const deliveries = new DeliveryTable(new Table(new StoredData()));
  const sent: Email[] = [];
  const posted: Post[] = [];
  const config = configOf({ statusPage: { pages: PAGES, maintenance: [MAINTENANCE] } });
  const world: World = new World('subscribers', trouble, config, (seen) => {
    const store = seen.store(stored);
    return subscribersProjector({
      ...seen,
      publicIncidents: shown,
      subscribers: {
        read: (page, id) => store.read(page, id),
        of: (page) => store.of(page),
        write: (one) => store.write(one),
        codeOf: (one, purpose) => stored.codeOf(one, purpose),
        secretOf: (one) => stored.secretOf(one),
      },
      deliveries: seen.store(deliveries),
      emails: seen.vendor<{ send(email: Email): Promise<Delivered> }>({
        send: (email: Email) => {
          const delivered = answer?.(email) ?? { kind: 'done' as const, value: null };
          if (delivered.kind === 'done') sent.push(email);
          return delivered;
        },
      }),
      subscriberWebhooks: seen.vendor<SubscriberWebhooks>({
        send: (call: Post) => {
          const response = atWebhook(call);
          if (response.kind === 'done') posted.push(call);
          return response;
        },
      }),
      publicUrl: 'https://firebreak.acme.example',
      timeScale: 1,
    });
  });
  const publishes = (record: PublicIncident) => {
    shown.all.set(record.id, record);
    world.mark(`public-incident:${record.id}`);
  };
  return { world, stored, sent, posted, publishes };
}

const OPENED = publicIncident({ id: 'one', started_at: START, resolved_at: null });
/** The incident with one more update. */
const next = (record: PublicIncident, text: string, status: 'monitoring' | 'resolved', time: Timestamp) => ({
  ...record,
  resolved_at: status === 'resolved' ? time : null,
  updates: [...record.updates, { at: time, status, text, state: 'operational' as const }],
});

async function played(trouble: Trouble) {
  const made = worldOf(trouble);
  const { world, publishes } = made;
  const watched = next(OPENED, 'A fix is in place.', 'monitoring', at('2026-11-20T12:10:00Z'));
  world.expect(0, () => publishes(OPENED));
  world.expect(600_000, () => publishes(watched));
  world.expect(1_800_000, () =>
    publishes(next(watched, '{components} works again.', 'resolved', at('2026-11-20T12:30:00Z'))),
  );
  await world.run(30);
  return made;
}

const received = (sent: readonly Email[], { to }: Subscriber): string[] =>
  sent.filter((email) => email.to === to).map(({ subject }) => subject);

/** After as many failures, a message is given up. */
const TRIES = 4;

const SUBJECTS = ['Investigating', 'Monitoring', 'Resolved'].map(
  (status) => `[Acme Status] ${status}: Problems with Checkout`,
);

describe('an incident', () => {
  test('is sent to those who are subscribed to its components, each update once and in order', async () => {
    const { sent, world } = await played(NO_TROUBLE);
    const [ada, bea, cem, ...others] = ALL;
    expect(received(sent, ada as Subscriber)).toEqual(SUBJECTS);
    expect(received(sent, cem as Subscriber)).toEqual(SUBJECTS);
    for (const nobody of [bea, ...others]) expect(received(sent, nobody as Subscriber)).toEqual([]);
    expect(await world.callsWhenMarked('public-incident:one')).toEqual([]);
  });

  test('is sent as text, with links to it and to the subscription', async () => {
    const { sent } = await played(NO_TROUBLE);
    expect(sent.find(({ to }) => to === ADA.to)).toEqual({
      to: ADA.to,
      subject: SUBJECTS[0],
      key: `update-main-incident-one-1-${ADA.id}`,
      unsubscribe: `https://firebreak.acme.example/status/subscriptions/main/unsubscribe/${ADA.id}.code-unsubscribe-${ADA.id}`,
      text: `We are looking into Checkout.

Status: Investigating
Components: Checkout
Time: 20 Nov 2026, 13:00 CET

https://status.acme.example/incidents/one.html

You get this message because this address is subscribed to Acme Status.
Change components or unsubscribe:
https://firebreak.acme.example/status/subscriptions/main/manage/${ADA.id}.code-manage-${ADA.id}
`,
    });
  });

  test('for any failures and interruptions, each update arrives, and a repeat has the same key', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrouble, async (trouble) => {
        // Refusals count against an address; a test of their own shows it. So does a fourth failure of one message.
        const late = trouble.faults.filter(({ kind }) => kind === 'later').slice(TRIES - 1);
        const faults = trouble.faults.filter((fault) => fault.kind !== 'refused' && !late.includes(fault));
        const { sent } = await played({ ...trouble, faults });
        for (const { to, id } of [ALL[0], ALL[2]] as Subscriber[]) {
          const keys = new Set(sent.filter((email) => email.to === to).map(({ key }) => key));
          expect([...keys].toSorted()).toEqual([1, 2, 3].map((n) => `update-main-incident-one-${n}-${id}`));
        }
        expect(new Set(sent.map(({ to }) => to)).size).toBe(2);
      }),
      { numRuns: runs(40) },
    );
  });

  test('that opened before a confirmation is sent from its next update on', async () => {
    const late = subscriber({ confirmed_at: at('2026-11-20T12:05:00Z') });
    const { world, publishes, sent } = worldOf(NO_TROUBLE, [late]);
    world.expect(0, () => publishes(OPENED));
    world.expect(600_000, () => publishes(next(OPENED, 'A fix.', 'monitoring', at('2026-11-20T12:10:00Z'))));
    await world.run();
    expect(received(sent, late)).toEqual([SUBJECTS[1]]);
  });

  test('is not sent any more when it is a day old', async () => {
    const { world, publishes, sent } = worldOf(NO_TROUBLE, [ADA]);
    const old = {
      ...OPENED,
      updates: OPENED.updates.map((update) => ({ ...update, at: at('2026-11-19T11:59:00Z') })),
    };
    world.expect(0, () => publishes(next(old, 'A fix.', 'monitoring', at('2026-11-20T11:59:00Z'))));
    await world.run();
    expect(received(sent, ADA)).toEqual([SUBJECTS[1]]);
  });

  test('that one address does not accept now is repeated for it, and does not delay others', async () => {
    const later: Delivered = { kind: 'later', detail: '450 greylisted', afterSeconds: null };
    const tries: Timestamp[] = [];
    const { world, publishes, sent } = worldOf(NO_TROUBLE, ALL, ({ to }) => {
      if (to !== ADA.to) return { kind: 'done', value: null };
      tries.push(world.clock.now());
      return tries.length < 3 ? later : { kind: 'done', value: null };
    });
    world.expect(0, () => publishes(OPENED));
    await world.run();
    expect(sent.map(({ to }) => to)).toEqual(['cem@acme.example', ADA.to]);
    expect(tries).toHaveLength(3);
  });
});

describe('an address that refuses', () => {
  const REFUSED: Delivered = { kind: 'refused', code: '550', detail: '550 5.1.1 no such user' };

  test('three updates in a row gets no more, and is deleted after 30 days', async () => {
    const { world, publishes, stored, sent } = worldOf(NO_TROUBLE, [ADA], () => REFUSED);
    for (const n of [1, 2, 3, 4])
      world.expect(n * 60_000, () => publishes({ ...OPENED, id: `number-${n}`, started_at: START }));
    await world.run();
    expect(world.calls).toHaveLength(3);
    expect(sent).toEqual([]);
    expect(await stored.read('main', ADA.id)).toMatchObject({
      state: 'suspended',
      refusals: 3,
      delete_at: expect.stringMatching(/^2026-12-20T12:03/),
    });
  });

  test('for a quarter of an hour is not tried again, neither for an update nor for a confirmation', async () => {
    const later: Delivered = { kind: 'later', detail: '450 mailbox busy', afterSeconds: null };
    const pending = subscriber({ state: 'pending', confirmed_at: null, answered: 0, id: '0'.repeat(32) });
    const { world, publishes, stored } = worldOf(NO_TROUBLE, [ADA, pending], () => later);
    world.expect(0, () => {
      publishes(OPENED);
      world.mark(`subscription:main/${pending.id}`);
    });
    await world.run(1);
    expect(await world.callsWhenMarked('public-incident:one', `subscription:main/${pending.id}`)).toEqual([]);
    expect(world.calls).toHaveLength(4 + 4);
    expect(await stored.read('main', ADA.id)).toMatchObject({ state: 'confirmed', refusals: 1 });
  });

  test('fewer is not suspended, and the next accepted one clears the count', async () => {
    const { world, publishes, stored } = worldOf(NO_TROUBLE, [ADA], ({ key }) =>
      key.includes('number-1') ? REFUSED : { kind: 'done', value: null },
    );
    for (const n of [1, 2]) world.expect(n * 60_000, () => publishes({ ...OPENED, id: `number-${n}` }));
    await world.run();
    expect(await stored.read('main', ADA.id)).toMatchObject({ state: 'confirmed', refusals: 0 });
  });

  test('the message that asks to confirm gets no other one for this request, and still counts as asked', async () => {
    const pending = subscriber({ state: 'pending', confirmed_at: null, answered: 0 });
    const { world, stored } = worldOf(NO_TROUBLE, [pending], () => REFUSED);
    world.expect(0, () => world.mark(`subscription:main/${pending.id}`));
    await world.run();
    const { state, requested } = pending;
    expect(await stored.read('main', pending.id)).toMatchObject({ state, answered: 1, requested });
  });
});

describe('a request to subscribe', () => {
  const answered = async (one: Subscriber) => {
    const { world, sent, stored } = worldOf(NO_TROUBLE, [one]);
    world.expect(0, () => world.mark(`subscription:main/${one.id}`));
    await world.run();
    expect(await world.callsWhenMarked(`subscription:main/${one.id}`)).toEqual([]);
    expect(await stored.read('main', one.id)).toMatchObject({ answered: one.requested });
    return sent;
  };

  test('is answered once, with a link that confirms it and with none that ends it', async () => {
    const [email, ...more] = await answered(subscriber({ state: 'pending', confirmed_at: null, answered: 0 }));
    expect(more).toEqual([]);
    expect(email).toMatchObject({ to: ADA.to, subject: '[Acme Status] Confirm your subscription' });
    expect(email?.text).toContain(`/status/subscriptions/main/confirm/${ADA.id}.code-confirm-${ADA.id}\n`);
    expect(email?.unsubscribe).toBeUndefined();
  });

  test('for an address that is subscribed tells its owner only', async () => {
    const [email] = await answered(subscriber({ answered: 0 }));
    expect(email?.subject).toBe('[Acme Status] You are subscribed');
    expect(email?.text).not.toContain('/confirm/');
    expect(email?.text).toContain('/manage/');
  });
});

test('a maintenance is sent when it is announced, when it starts, and when it is completed', async () => {
  const { world, sent } = worldOf(NO_TROUBLE, [subscriber({ confirmed_at: at('2026-11-20T00:00:00Z') })]);
  for (const hours of [0, 1, 2]) world.expect(hours * 3_600_000 + 1000, () => world.mark('maintenance:upgrade'));
  await world.run();
  expect(received(sent, ADA)).toEqual(
    ['Scheduled', 'In progress', 'Completed'].map((status) => `[Acme Status] ${status}: Upgrade of Search`),
  );
  expect(sent[0]?.text).toContain('Planned: 20 Nov 2026, 14:00 CET – 20 Nov 2026, 15:00 CET');
});

describe('a webhook', () => {
  const HOOK = subscriber({ id: '1'.repeat(32), channel: 'webhook', to: 'https://hook.acme.example/a' });
  const SLACK = subscriber({ id: '2'.repeat(32), channel: 'slack', to: 'https://hooks.slack.com/services/T/B/x' });
  const TEAMS = subscriber({ id: '3'.repeat(32), channel: 'teams', to: 'https://a.logic.azure.com/x' });

  test('gets each update once, with its secret and a key, if the page offers its channel', async () => {
    const { world, publishes, posted } = worldOf(NO_TROUBLE, [HOOK, SLACK, TEAMS]);
    world.expect(0, () => publishes(OPENED));
    await world.run();
    expect(await world.callsWhenMarked('public-incident:one')).toEqual([]);
    expect(posted.map(({ url }) => url).toSorted()).toEqual([HOOK.to, SLACK.to]);
    expect(posted.find(({ url }) => url === HOOK.to)).toMatchObject({
      channel: 'webhook',
      secret: `secret-${HOOK.id}`,
      key: `update-main-incident-one-1-${HOOK.id}`,
      message: {
        data: {
          type: 'incident.investigating',
          data: {
            page: { name: 'main', url: 'https://status.acme.example' },
            id: 'one',
            components: ['Checkout'],
            text: 'We are looking into Checkout.',
            manage_url: expect.stringContaining('/manage/'),
          },
        },
      },
    });
  });

  test('that does not answer delays neither others nor emails, and the mail server delays no webhook', async () => {
    const late: VendorResponse<null> = { kind: 'later', detail: 'no answer in time', afterSeconds: null };
    const closed: Delivered = { kind: 'closed', detail: 'connection refused', afterSeconds: null };
    const { world, publishes, posted, sent, stored } = worldOf(
      NO_TROUBLE,
      [HOOK, SLACK, ADA],
      () => (world.clock.now() < at('2026-11-20T12:30:00Z') ? closed : DONE),
      ({ channel }) => (channel === 'webhook' ? late : DONE),
    );
    world.expect(0, () => publishes(OPENED));
    world.expect(60_000, () => {
      expect(posted.map(({ url }) => url)).toEqual([SLACK.to]);
      expect(sent).toEqual([]);
    });
    await world.run();
    expect(received(sent, ADA)).toEqual([SUBJECTS[0]]);
    expect(await stored.read('main', HOOK.id)).toMatchObject({ refusals: 1 });
  });
});
