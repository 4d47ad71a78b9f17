import { beforeEach, describe, expect, test } from 'vitest';
import type { Delivered, Email } from '../../../core/domain/ports/mail.ts';
import { digest } from '../../../core/jobs/digest/digest.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { DigestTable } from '../../../core/stores/messages/digests.ts';
import { Table } from '../../../core/stores/table.ts';
import { FakeWorld } from '../../../test/support/fake-deps.ts';

const SHOP = 'shop@acme.example';
const GAMES = 'games@acme.example';
const CTO = 'cto@acme.example';

let world: FakeWorld;
let digests: DigestTable;
let letters: Email[];
let atMail: () => Delivered;

beforeEach(() => {
  world = new FakeWorld();
  world.config = Config.parse({
    version: 'test',
    services: { cart: { team: 'shop' }, search: { team: 'shop' }, chess: { team: 'games' }, ledger: { team: 'money' } },
    paging: {},
    response: {
      stakeholders: [{ email: [SHOP], services: ['cart'] }, { email: [GAMES], teams: ['games'] }, { email: [CTO] }],
    },
  });
  [digests, letters, atMail] = [new DigestTable(new Table(world.store)), [], () => ({ kind: 'done', value: null })];
});

async function opened(service: string): Promise<IncidentId> {
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

async function together(...parts: IncidentId[]): Promise<IncidentId> {
  const groupReason = { because: 'many', name: '', text: 'many at once' } as const;
  const parent = await world.deps.incidentGroups.openParent('production', groupReason, 'many at once', 'trace');
  for (const part of parts) await world.deps.incidentGroups.join(parent, part);
  return parent;
}

async function closed(...ids: IncidentId[]): Promise<void> {
  for (const id of ids) {
    await world.deps.incidents.resolve(id, (await world.deps.incidents.read(id))?.seq ?? 0, 'ada', 'It is over');
  }
}

/** Runs one round, one minute later. @returns the recipients and subjects */
async function round(): Promise<string[]> {
  world.clock.set(world.clock.millis + 60_000);
  const before = letters.length;
  const send = async (letter: Email) => {
    letters.push(letter);
    return atMail();
  };
  await digest({ ...world.deps, digests, emails: { send } }, () => 0);
  return letters
    .slice(before)
    .map(({ to, subject }) => `${to.split('@')[0]}: ${subject.replace(/ \(.*/, '')}`)
    .toSorted();
}

/** The name of the parent, which opens after its children. */
const parentAfter = (children: number): string => `INC-${children + 1} several-services production: many at once`;

describe('incident groups', () => {
  test('stakeholders of any child are notified once, also of a child that joins later', async () => {
    const parent = await together(await opened('cart'), await opened('search'));
    expect(await round()).toEqual([`cto: ${parentAfter(2)}`, `shop: ${parentAfter(2)}`]);
    expect(await round()).toEqual([]);
    await world.deps.incidentGroups.join(parent, await opened('chess'));
    expect(await round()).toEqual([`games: ${parentAfter(2)}`]);
  });

  test('stakeholders of a child are notified that it joined a parent, and of its resolution', async () => {
    const cart = await opened('cart');
    expect(await round()).toEqual([
      'cto: INC-1 cart production: cart fails',
      'shop: INC-1 cart production: cart fails',
    ]);
    const search = await opened('search');
    const parent = await together(cart, search);
    expect(await round()).toEqual([`cto: ${parentAfter(2)}`, `shop: ${parentAfter(2)}`]);
    expect(letters.at(-1)?.text).toContain('cart production: cart fails (open)');
    await closed(cart, search, parent);
    expect(await round()).toEqual([`cto: Resolved: ${parentAfter(2)}`, `shop: Resolved: ${parentAfter(2)}`]);
    expect(await round()).toEqual([]);
  });

  test('a child that is resolved early is reported with the group', async () => {
    const cart = await opened('cart');
    await round();
    await together(cart, await opened('search'));
    await round();
    await closed(cart);
    expect(await round()).toEqual([]);
  });

  test("stakeholders notified of a child but not in time of its parent are notified of the child's resolution", async () => {
    const cart = await opened('cart');
    await round();
    const parent = await together(cart, await opened('chess'));
    atMail = () => ({ kind: 'closed', detail: 'the mail server is down', afterSeconds: null });
    await round();
    await closed(cart, parent);
    atMail = () => ({ kind: 'done', value: null });
    world.clock.set(world.clock.millis + 600_000);
    expect(await round()).toEqual([
      'cto: Resolved: INC-1 cart production: cart fails',
      'shop: Resolved: INC-1 cart production: cart fails',
    ]);
    expect(await round()).toEqual([]);
  });

  test('stakeholders notified of neither are not notified of the resolution', async () => {
    const cart = await opened('cart');
    await closed(cart, await together(cart));
    expect(await round()).toEqual([]);
  });

  test('a child that left its parent is reported separately', async () => {
    const cart = await opened('cart');
    const parent = await together(cart);
    await round();
    await closed(parent);
    await world.deps.incidentGroups.detach(parent, cart, { page: true, text: 'It goes on' });
    expect(await round()).toEqual([
      'cto: INC-1 cart production: cart fails',
      `cto: Resolved: ${parentAfter(1)}`,
      'shop: INC-1 cart production: cart fails',
      `shop: Resolved: ${parentAfter(1)}`,
    ]);
  });
});
