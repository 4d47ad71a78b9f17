import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AlertNoticeEntry,
  noticeCard,
  SAME_ROUND_SECONDS,
} from '../../../../core/domain/messages/alert-notices.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { idOf } from '../../../../core/domain/incidents/projections.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import type { TicketTarget } from '../../../../schemas/alerts/routes.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { signal, stranger } from '../../../support/signals.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

let stores: TableStores;
let services = 0;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

/** Creates alerts of a service that no other test uses. */
function aService(): (name: string, more?: Partial<Signal>) => Signal {
  services += 1;
  const service = `told-${services}` as ServiceName;
  return (name, more = {}) =>
    signal({
      service,
      fingerprint: `${service}/${name}`,
      title: name,
      severity: 'warning',
      requestsRollback: false,
      ...more,
    });
}

type Status = AlertNoticeEntry['status'];
const notice = (one: Signal, status: Status = 'firing', channel = '#payments'): AlertNoticeEntry => ({
  kind: 'notice',
  channel,
  signal: { ...one, status },
  status,
});
const github: TicketTarget = { kind: 'github', repository: 'acme/checkout', labels: [] };
const ticket = (one: Signal, status: Status = 'firing', target: TicketTarget = github): AlertNoticeEntry => ({
  kind: 'ticket',
  target,
  signal: { ...one, status },
  status,
});

const hear = (...entries: AlertNoticeEntry[]): Promise<Subject[]> =>
  stores.alertNotices.record(entries, stores.clock.now());

/** Returns the only notice for these alerts. */
async function only(...entries: AlertNoticeEntry[]): Promise<string> {
  const subjects = await hear(...entries);
  expect(subjects).toHaveLength(1);
  return idOf(subjects[0] ?? 'notice:none');
}

async function read(id: string) {
  const found = await stores.alertNotices.read(id);
  if (found === undefined) throw new Error(`alert notice ${id} cannot be read`);
  return found;
}

const titles = async (id: string) =>
  (await read(id)).alerts.map(({ signal: one, status }) => `${one.title} ${status}`).toSorted();

describe('a notice', () => {
  test('is for a channel, a service, and an environment, regardless of the alerts', async () => {
    const of = aService();
    const subjects = await hear(
      notice(of('a')),
      notice(of('b')),
      notice(of('a'), 'firing', '#ops'),
      notice(of('a', { fingerprint: 'staging', environment: 'staging' as EnvironmentName })),
    );
    expect(new Set(subjects).size).toBe(3);
    expect(subjects.every((subject) => subject.startsWith('notice:'))).toBe(true);
    expect(await read(idOf(subjects[0] ?? 'notice:none'))).toMatchObject({
      kind: 'notice',
      channel: '#payments',
      round: 1,
      serviceEnvironment: { service: of('a').service, environment: 'production' },
      firstAt: stores.clock.now(),
      updatedAt: stores.clock.now(),
      firing: 2,
      total: 2,
    });
  });

  test('of unmatched alerts is shared, regardless of their services and environments', async () => {
    services += 1;
    const [one, another] = [`stranger-${services}-a`, `stranger-${services}-b`];
    const ids = await hear(
      notice(stranger(one, { fingerprint: one })),
      notice(stranger(another, { fingerprint: another, environment: 'elsewhere' as EnvironmentName })),
    );
    expect(ids).toHaveLength(1);
    const found = await read(idOf(ids[0] ?? 'notice:none'));
    expect(found).toMatchObject({ serviceEnvironment: { service: 'unmatched', environment: 'unknown' }, total: 2 });
    expect(JSON.stringify(noticeCard(found))).toContain(`${one}: `);
  });

  test('is unchanged by repeated notifications', async () => {
    const of = aService();
    const id = await only(notice(of('a')));
    const before = await read(id);
    expect(await only(notice(of('a')), notice(of('a')))).toBe(id);
    expect(await read(id)).toEqual(before);
    await hear(notice(of('a'), 'resolved'));
    const over = await read(id);
    await hear(notice(of('a'), 'resolved'));
    expect(await read(id)).toEqual(over);
  });

  test('does not begin with the end of an unknown alert', async () => {
    const of = aService();
    expect(await hear(notice(of('a'), 'resolved'))).toEqual([]);
    const id = await only(notice(of('b')));
    expect(await hear(notice(of('a'), 'resolved'))).toEqual([]);
    expect(await titles(id)).toEqual(['b firing']);
  });

  test('stays open while any alert fires, and for a while after', async () => {
    const of = aService();
    const id = await only(notice(of('a')));
    later(2 * SAME_ROUND_SECONDS);
    await hear(notice(of('b')));
    expect(await read(id)).toMatchObject({ round: 1, firing: 2 });
    await hear(notice(of('a'), 'resolved'), notice(of('b'), 'resolved'));
    expect(await read(id)).toMatchObject({ round: 1, firing: 0, total: 2 });
    later(SAME_ROUND_SECONDS);
    await hear(notice(of('c')));
    expect(await titles(id)).toEqual(['a resolved', 'b resolved', 'c firing']);
  });

  test('begins anew after a longer pause', async () => {
    const of = aService();
    const id = await only(notice(of('a')));
    await hear(notice(of('a'), 'resolved'));
    later(SAME_ROUND_SECONDS + 1);
    expect(await only(notice(of('b')))).toBe(id);
    expect(await read(id)).toMatchObject({ round: 2, firstAt: stores.clock.now(), firing: 1, total: 1 });
    expect(await titles(id)).toEqual(['b firing']);
    await hear(notice(of('a'), 'resolved')); // arrives late, and belongs to the previous round
    expect(await titles(id)).toEqual(['b firing']);
  });

  test('begins anew with the same alert too, if its sender reports no start', async () => {
    const of = aService();
    const again = (startsAt: Timestamp) => of('a', { source: 'generic', episodic: false, startsAt });
    const id = await only(notice(again(stores.clock.now())));
    await hear(notice(again(stores.clock.now()), 'resolved'));
    later(SAME_ROUND_SECONDS + 1);
    await hear(notice(again(stores.clock.now())));
    expect(await read(id)).toMatchObject({ round: 2, firing: 1, total: 1 });
    await hear(notice(again(stores.clock.now()), 'resolved'));
    expect(await read(id)).toMatchObject({ round: 2, firing: 0, total: 1 });
  });

  test('of an alert that ends and fires again between two notifications ends with the last end', async () => {
    const of = aService();
    const at = (seconds: number) => of('a', { startsAt: plusSeconds(of('').startsAt, seconds) });
    const id = await only(notice(at(0)));
    await hear(notice(at(60)));
    expect(await read(id)).toMatchObject({ firing: 1, total: 1 });
    await hear(notice(at(120), 'resolved'));
    expect(await read(id)).toMatchObject({ firing: 0, total: 1 });
  });

  test('of a failed deployment begins anew with the next one, because events have no end', async () => {
    const of = aService();
    const id = await only(notice(of('v1 failed', { source: 'deployment' })));
    later(60);
    await hear(notice(of('v2 failed', { source: 'deployment' })));
    expect(await read(id)).toMatchObject({ round: 1, total: 2 });
    later(SAME_ROUND_SECONDS + 1);
    await hear(notice(of('v3 failed', { source: 'deployment' })));
    expect(await titles(id)).toEqual(['v3 failed firing']);
  });

  test('is one for concurrent notifications', async () => {
    const of = aService();
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => hear(notice(of(`alert ${n % 6}`)))));
    expect(new Set(all.flat()).size).toBe(1);
    expect(await read(idOf(all.flat()[0] ?? 'notice:none'))).toMatchObject({ round: 1, firing: 6, total: 6 });
  });

  test('shows the newest alert first', async () => {
    const of = aService();
    const at = (name: string, seconds: number) => of(name, { startsAt: plusSeconds(of('').startsAt, seconds) });
    const id = await only(notice(at('b', 2)), notice(at('c', 3)), notice(at('a', 1)));
    expect((await read(id)).alerts.map(({ signal: { title } }) => title)).toEqual(['c', 'b', 'a']);
  });

  test('that does not exist cannot be read', async () => {
    expect(await stores.alertNotices.read('none')).toBeUndefined();
  });
});

describe('a ticket', () => {
  test('is for a target, a service, an environment, and an alert name', async () => {
    const of = aService();
    const renamed = of('DiskFull', { fingerprint: `${of('').service}/2`, title: 'DiskFull' });
    const webhook: TicketTarget = { kind: 'webhook', url: 'https://tickets.test/hook', signature: null };
    const subjects = await hear(
      ticket(of('DiskFull')),
      ticket(renamed),
      ticket(of('CertExpires')),
      ticket(of('DiskFull'), 'firing', webhook),
    );
    expect(new Set(subjects).size).toBe(3);
    expect(subjects.every((subject) => subject.startsWith('ticket:'))).toBe(true);
    const [first = 'ticket:none' as const] = subjects;
    expect(await read(idOf(first))).toMatchObject({ kind: 'ticket', target: github, title: 'DiskFull', total: 2 });
  });

  test('and a notice of the same alert are independent', async () => {
    const of = aService();
    const [a, b] = await hear(notice(of('a')), ticket(of('a')));
    await hear(notice(of('a'), 'resolved'));
    expect([await read(idOf(a ?? 'notice:none')), await read(idOf(b ?? 'ticket:none'))]).toMatchObject([
      { firing: 0 },
      { firing: 1 },
    ]);
  });
});
