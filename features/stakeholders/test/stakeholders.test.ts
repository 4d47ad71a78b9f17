import { beforeEach, describe, expect, test } from 'vitest';
import type { Delivered, Email } from '../../../core/domain/ports/mail.ts';
import { stakeholderUpdate } from '../../../core/domain/people/roles.ts';
import { digest } from '../../../core/jobs/digest/digest.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { DigestTable } from '../../../core/stores/messages/digests.ts';
import { Table } from '../../../core/stores/table.ts';
import { FakeWorld, idleEngine } from '../../../test/support/fake-deps.ts';

const DONE: Delivered = { kind: 'done', value: null };
const LATER: Delivered = { kind: 'later', detail: '451 come again later', afterSeconds: null };
const REFUSED: Delivered = { kind: 'refused', code: '550', detail: '550 5.1.1 no such user' };
const UNCLEAR: Delivered = { kind: 'unclear', detail: 'Timeout' };
const CLOSED: Delivered = { kind: 'closed', detail: 'the mail server took 20000 ms', afterSeconds: null };

const CTO = 'cto@acme.example';
const SUPPORT = 'support@acme.example';
const MANY = Array.from({ length: 20 }, (_, n) => `nr${n}@acme.example`);

let world: FakeWorld;
let digests: DigestTable;
/** All attempts, in order. */
let letters: Email[];
let posts: { channel: string; text: string }[];
let atMail: (letter: Email) => Promise<Delivered> | Delivered;
let atSlack: () => Delivered;
/** Real milliseconds that have passed, if a test sets them. */
let elapsed: number;

beforeEach(() => {
  world = new FakeWorld();
  world.engine = idleEngine();
  [digests, letters, posts, elapsed] = [new DigestTable(new Table(world.store)), [], [], 0];
  [atMail, atSlack] = [() => DONE, () => DONE];
  tellTo({ email: [CTO, SUPPORT] });
});

function tellTo(...stakeholders: object[]): void {
  world.config = Config.parse({ version: 'test', services: {}, paging: {}, response: { stakeholders } });
}

async function opened(service = 'checkout'): Promise<IncidentId> {
  const serviceEnvironment = { service: service as ServiceName, environment: 'production' as EnvironmentName };
  const wanted = {
    ...serviceEnvironment,
    title: `${service} fails`,
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  } as const;
  return (await world.deps.incidents.declare(wanted)).id;
}

async function resolved(id: IncidentId): Promise<void> {
  const incident = await world.deps.incidents.read(id);
  await world.deps.incidents.resolve(id, incident?.seq ?? 0, 'ada', 'It is over');
}

const says = (id: IncidentId, text: string) =>
  world.deps.incidents.amend(id, stakeholderUpdate({ by: 'ada', at: world.clock.now(), text }));

/** Runs one round after this many minutes. @returns subjects and recipients of its attempts */
async function round(minutes = 1): Promise<string[]> {
  world.clock.set(world.clock.millis + minutes * 60_000);
  const before = letters.length;
  await digest(
    {
      ...world.deps,
      digests,
      emails: {
        send: async (letter) => {
          letters.push(letter);
          return atMail(letter);
        },
      },
      chat: Object.assign({}, world.deps.chat, {
        post: async (channel: string, { summary }: { summary: string }) => {
          posts.push({ channel, text: summary });
          return atSlack();
        },
      }),
    },
    () => elapsed,
  );
  return letters.slice(before).map(({ to, subject }) => `${to} ${subject}`);
}

const isOver = (subject: string): boolean => subject.includes('Resolved: ');

test('each stakeholder gets one separate email', async () => {
  await opened();
  const subject = 'INC-1 checkout production: checkout fails (critical, open)';
  expect((await round()).toSorted()).toEqual([`${CTO} ${subject}`, `${SUPPORT} ${subject}`]);
  expect(await round()).toEqual([]);
});

test('the newest update is sent, and periodic notifications contain it', async () => {
  tellTo({ email: CTO, everyMinutes: 60, slack: '#status' });
  const id = await opened();
  await round();
  await says(id, 'Cards are refused');
  world.clock.set(world.clock.millis + 1000);
  await says(id, 'The cause is found');
  await round();
  await round(60);
  const texts = letters.map(({ text }) => text);
  expect(texts).toHaveLength(3);
  for (const text of texts.slice(1)) {
    expect(text).toContain('\nThe cause is found\n');
    expect(text).not.toContain('Cards are refused');
  }
  expect(posts).toHaveLength(3);
});

describe('while the mail server hangs', () => {
  beforeEach(() => {
    tellTo({ email: MANY }, { slack: '#status' });
    atMail = () => {
      elapsed += 20_000;
      return CLOSED;
    };
  });

  test('one email detects it, and the next ones follow with increasing pauses', async () => {
    await opened();
    const tried: number[] = [];
    for (let minute = 0; minute < 14; minute += 1) tried.push((await round()).length);
    expect(tried).toEqual([1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
  });

  test('Slack messages are sent', async () => {
    await opened();
    await round();
    expect(posts).toHaveLength(1);
  });

  test('the resolution is sent only to stakeholders notified before, and nothing is sent twice', async () => {
    const [before, during] = [await opened('search'), await opened('checkout')];
    atMail = () => DONE;
    tellTo({ email: MANY, services: ['search'] });
    await round();
    tellTo({ email: MANY });
    atMail = () => CLOSED;
    await round();
    await resolved(before);
    await resolved(during);
    for (let minute = 0; minute < 10; minute += 1) await round();
    letters = [];
    atMail = () => DONE;
    for (let minute = 0; minute < 10; minute += 1) await round();
    const subjects = letters.map(({ to, subject }) => `${to} ${subject}`);
    expect(subjects.toSorted()).toEqual(
      MANY.map((to) => `${to} Resolved: INC-1 search production: search fails (critical, resolved)`).toSorted(),
    );
  });

  test('all get the current status when it works again', async () => {
    await opened();
    await round();
    atMail = () => DONE;
    expect(await round()).toHaveLength(20);
    expect(await digests.pauses()).toEqual({});
  });
});

test('a round starts nothing after its time limit', async () => {
  tellTo({ email: MANY });
  await opened();
  atMail = () => {
    elapsed += 10_000;
    return DONE;
  };
  const first = await round();
  expect(first.length).toBeLessThan(MANY.length);
  elapsed = 0;
  atMail = () => DONE;
  expect(new Set([...first, ...(await round())]).size).toBe(MANY.length);
  expect(letters).toHaveLength(MANY.length);
});

test('no notification is lost while the password is wrong', async () => {
  const id = await opened();
  atMail = () => ({ kind: 'closed', detail: 'Invalid login: 535 5.7.8', afterSeconds: null });
  await round();
  await round();
  atMail = () => DONE;
  expect(await round(5)).toHaveLength(2);
  await resolved(id);
  expect((await round()).filter(isOver)).toHaveLength(2);
});

test('a missing mail server counts as one that is down', async () => {
  await opened();
  atMail = () => ({ kind: 'off', detail: 'SMTP_URL is not set' });
  expect(await round()).toHaveLength(1);
  atMail = () => DONE;
  expect(await round()).toHaveLength(2);
});

describe('a recipient', () => {
  test('that does not exist does not affect others, is tried only with news, and is not notified of the resolution', async () => {
    tellTo({ email: [CTO, SUPPORT], everyMinutes: 5 });
    const id = await opened();
    atMail = ({ to }) => (to === CTO ? REFUSED : DONE);
    expect(await round()).toHaveLength(2);
    expect(await round(5)).toEqual([expect.stringContaining(SUPPORT)]);
    await says(id, 'Cards are refused');
    expect(await round()).toHaveLength(2);
    await resolved(id);
    expect(await round()).toEqual([expect.stringContaining(SUPPORT)]);
    const noted = world.store.dossiers.get(id)?.timeline.filter(({ kind }) => kind === 'stakeholder.refused');
    expect(noted?.map(({ text }) => text)).toEqual([
      `Status updates cannot be delivered to ${CTO}: 550 5.1.1 no such user`,
    ]);
  });

  test('that is temporarily refused is retried with increasing pauses and the same message', async () => {
    await opened();
    atMail = ({ to }) => (to === CTO ? LATER : DONE);
    const tried: number[] = [];
    for (let minute = 0; minute < 8; minute += 1) tried.push((await round()).length);
    expect(tried).toEqual([2, 1, 0, 1, 0, 0, 0, 1]);
    expect(new Set(letters.filter(({ to }) => to === CTO).map(({ key }) => key)).size).toBe(1);
  });

  test('that may have been notified is not notified again, and the server gets a pause', async () => {
    await opened();
    atMail = () => UNCLEAR;
    expect(await round()).toHaveLength(1);
    atMail = () => DONE;
    expect(await round()).toHaveLength(1);
    expect(new Set(letters.map(({ to }) => to)).size).toBe(2);
    expect(await round()).toEqual([]);
  });

  test('whose email fails in our own code does not affect others', async () => {
    await opened();
    atMail = ({ to }) => {
      if (to === CTO) throw new Error('a bug');
      return DONE;
    };
    expect(await round()).toHaveLength(2);
    expect(await round()).toEqual([expect.stringContaining(CTO)]);
  });

  test('after too many failures, the round ends', async () => {
    tellTo({ email: MANY });
    await opened();
    atMail = () => LATER;
    expect((await round()).length).toBeLessThan(10);
  });
});

describe('parallel rounds', () => {
  test('notify each receiver once', async () => {
    tellTo({ email: MANY });
    await opened();
    await Promise.all([round(), round(0), round(0)]);
    expect(letters.map(({ to }) => to).toSorted()).toEqual(MANY.toSorted());
  });

  test('a slow round does not revert what another round sent since', async () => {
    tellTo({ email: CTO });
    const id = await opened();
    let release: (told: Delivered) => void = () => undefined;
    atMail = () => new Promise<Delivered>((resolve) => (release = resolve));
    const slow = round();
    await expect.poll(() => letters.length).toBe(1);
    await says(id, 'Cards are refused');
    atMail = () => DONE;
    expect(await round()).toHaveLength(1);
    release(CLOSED);
    await slow;
    expect(await round(10)).toEqual([]);
  });
});

describe('Slack', () => {
  beforeEach(() => tellTo({ slack: '#status' }, { slack: '#leads' }));

  test.each<[string, Delivered]>([
    ['refuses our token', { kind: 'refused', code: 'invalid_auth', detail: 'invalid_auth' }],
    ['limits us', { kind: 'later', detail: 'ratelimited', afterSeconds: 30 }],
    ['is not connected', { kind: 'off', detail: 'SLACK_BOT_TOKEN is not set' }],
  ])('that %s has not notified anyone', async (_, answer) => {
    await opened();
    atSlack = () => answer;
    await round();
    expect(posts).toHaveLength(1);
    atSlack = () => DONE;
    await round();
    expect(posts.slice(1).map(({ channel }) => channel)).toEqual(['#status', '#leads']);
  });

  test('without the channel does not affect others', async () => {
    await opened();
    atSlack = () =>
      posts.at(-1)?.channel === '#status' ? { kind: 'refused', code: 'channel_not_found', detail: 'no channel' } : DONE;
    await round();
    await round();
    expect(posts.map(({ channel }) => channel)).toEqual(['#status', '#leads']);
  });
});
