import { afterAll, beforeAll, expect, test } from 'vitest';
import { DigestTable } from '../../../../core/stores/messages/digests.ts';
import { keys } from '../../../../core/stores/keys.ts';
import type { LastNotification } from '../../../../core/domain/messages/notifications.ts';
import type { StoredNotification } from '../../../../core/domain/ports/messages.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';
import { put } from '../../../../platforms/store.ts';

const at = '2026-11-20T12:00:00.000Z' as Timestamp;
const notification: LastNotification = { about: 'open', at, notified: true };
const CTO = 'mailto:cto@acme.example';

let stores: TableStores;
let digests: DigestTable;

beforeAll(async () => {
  stores = await openTable();
  digests = new DigestTable(stores.table);
});
afterAll(() => stores.close());

/** Each test uses its own incident. */
const incident = (n: number) => `01JCYZ7Q8M3N5P7R9T1V3X5Z7${n}` as IncidentId;

test('sent updates are stored by receiver, completely', async () => {
  const id = incident(1);
  const refused: LastNotification = { ...notification, notified: false, refused: true, again: { at, tries: 3 } };
  await digests.remember(id, CTO, notification, undefined);
  await digests.remember(id, 'slack:#status', refused, undefined);
  expect(await digests.read(id)).toEqual({
    [CTO]: { ...notification, rev: 1 },
    'slack:#status': { ...refused, rev: 1 },
  });
  expect(await digests.read(incident(2))).toEqual({});
});

test('of concurrent writers of the same update one succeeds, also if an earlier update exists', async () => {
  const id = incident(3);
  let before: StoredNotification | undefined;
  for (const about of ['open', 'mitigated', 'resolved']) {
    const all = await Promise.all(
      Array.from({ length: 5 }, () => digests.remember(id, CTO, { ...notification, about }, before)),
    );
    const [mine, ...others] = all.filter((one) => one !== undefined);
    expect(others).toEqual([]);
    before = mine;
  }
  expect(await digests.read(id)).toEqual({ [CTO]: { ...notification, about: 'resolved', rev: 3 } });
});

test('only the writer of an update can take it back', async () => {
  const id = incident(4);
  const first = await digests.remember(id, CTO, notification, undefined);
  const second = await digests.remember(id, CTO, { ...notification, about: 'mitigated' }, first);
  expect(await digests.remember(id, CTO, { ...notification, about: '' }, first)).toBeUndefined();
  expect(await digests.remember(id, CTO, notification, second)).toEqual({ ...notification, rev: 3 });
});

test('an update stored before revisions existed counts as sent, and is replaced once', async () => {
  const id = incident(5);
  const item = { ...keys.digest(id, 'cto'), stakeholder: CTO, about: 'open', at };
  await stores.table.transact([put(item)]);
  expect(await digests.read(id)).toEqual({ [CTO]: { ...notification, rev: 0 } });
});

test('a paused channel stays paused until it works again', async () => {
  const pause = { tries: 2, at, until: plusSeconds(at, 120), detail: 'nobody answers' };
  await digests.setPause('mail', pause);
  await digests.setPause('slack', { ...pause, tries: 1 });
  await digests.setPause('slack', null);
  expect(await digests.pauses()).toEqual({ mail: pause });
});
