import { ActionItemIssueTable } from '../issue-store.ts';
import { PostmortemTable } from '../store.ts';
import { expect, test } from 'vitest';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import type { StoredActionItem } from '../../../core/domain/ports/action-items.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { type IssueLink, PostmortemRecord } from '../schemas/postmortem.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { TableStores } from '../../../test/core/stores/stores.ts';
import { closed, inTheTable, later, opened, serviceEnvironment, stores } from '../../../test/core/stores/promises.ts';

/** The stores of post-mortems on the table of the running test. */
function table() {
  const { table: own, clock } = stores as TableStores;
  return { postmortems: new PostmortemTable(own), actionItemIssues: new ActionItemIssueTable(own, clock) };
}

const record = (id: IncidentId, more: Partial<PostmortemRecord> = {}): PostmortemRecord => {
  const at = stores.clock.now();
  return PostmortemRecord.parse({
    incident_id: id,
    ...serviceEnvironment,
    severity: 'critical',
    state: 'draft',
    revision: 1,
    drafted_at: at,
    updated_at: at,
    updated_by: 'firebreak',
    published_at: null,
    published_by: null,
    facts: {
      citations: [{ ref: 'E1', id: 'TL#1', at: null }],
      times: {
        started_at: at,
        alerted_at: at,
        acknowledged_at: null,
        mitigated_at: null,
        restored_at: at,
        resolved_at: at,
        duration_seconds: 0,
        to_detect_seconds: 0,
        to_acknowledge_seconds: null,
        to_mitigate_seconds: null,
        to_restore_seconds: 0,
      },
      filled: { by_rule: 1, of: 2 },
    },
    reminded: null,
    ...more,
  });
};

const item = (id: IncidentId, hash: string, more: Partial<StoredActionItem> = {}): StoredActionItem => ({
  id: `${id}-${hash}`,
  incident_id: id,
  experiment_id: null,
  ...serviceEnvironment,
  alert: 'It fails',
  title: `Item ${hash}`,
  done: false,
  owner: null,
  due: null,
  priority: null,
  updated_at: stores.clock.now(),
  ...more,
});

const save = (one: PostmortemRecord, markdown: string, items: StoredActionItem[] = []) =>
  table().postmortems.save({ record: one, markdown }, items, {
    id: `postmortem:${one.incident_id}:${one.revision}`,
    at: one.updated_at,
    actor: one.updated_by,
    kind: 'postmortem.saved',
    subject: one.incident_id,
    text: 'Saved',
    detail: {},
  });

const idsOfService = async (id: string): Promise<string[]> =>
  (
    await table().postmortems.actionItems({ limit: 50, keep: ({ service }) => service === serviceEnvironment.service })
  ).items.map((one) => one.id.replace(`${id}-`, ''));

inTheTable(() => {
  test('a resolved incident is due until it is settled, and an open one is not', async () => {
    const id = await opened();
    const isDue = async () => (await table().postmortems.due()).filter((one) => one.id === id);
    expect(await isDue()).toEqual([]);
    await closed(id);
    expect(await isDue()).toEqual([{ id, since: stores.clock.now() }]);
    await table().postmortems.settle(id);
    await table().postmortems.settle(id);
    expect(await isDue()).toEqual([]);
  });

  test('a version is saved only after the one before it, and every version stays readable', async () => {
    const id = await opened();
    expect(await table().postmortems.read(id)).toBeUndefined();
    expect(await save(record(id, { revision: 2 }), 'two')).toBe(false);
    expect(await save(record(id), 'one')).toBe(true);
    expect(await save(record(id), 'another one')).toBe(false);
    expect(await save(record(id, { revision: 2, updated_by: 'ada' }), 'two\r\n\u202e')).toBe(true);
    expect(await table().postmortems.read(id)).toEqual({
      record: record(id, { revision: 2, updated_by: 'ada' }),
      markdown: 'two\r\n\u202e',
    });
    expect(await table().postmortems.text(id, 1)).toEqual({ markdown: 'one', facts: record(id).facts });
    expect(await table().postmortems.text(id, 3)).toBeUndefined();
  });

  test('a published version is due for the projectors from its transaction on, and others are not', async () => {
    const { projections } = stores as TableStores;
    const id = await opened();
    const isDue = async () => (await projections.due('webhooks')).some(({ subject }) => subject === `postmortem:${id}`);
    await save(record(id, { state: 'in_review' }), 'one');
    expect(await isDue()).toBe(false);
    await save(record(id, { state: 'published', revision: 2 }), 'two');
    expect(await isDue()).toBe(true);
  });

  test('of several versions at the same time, one is saved', async () => {
    const id = await opened();
    await save(record(id), 'one');
    const saved = await Promise.all(['a', 'b', 'c'].map((text) => save(record(id, { revision: 2 }), text)));
    expect(saved.filter(Boolean)).toHaveLength(1);
  });

  test('a version replaces the action items of the one before it', async () => {
    const id = await opened();
    await save(record(id), 'one', [item(id, '0000000a'), item(id, '0000000b')]);
    expect(await idsOfService(id)).toEqual(['0000000a', '0000000b']);
    await save(record(id, { revision: 2 }), 'two', [item(id, '0000000c'), item(id, '0000000b', { done: true })]);
    expect(await idsOfService(id)).toEqual(['0000000c', '0000000b']);
    const open = await table().postmortems.openItemsOf(serviceEnvironment.service);
    expect(open).toEqual([item(id, '0000000c')]);
  });

  test('an action item of an experiment is stored once, and changed if it was not changed meanwhile', async () => {
    const experiment = mintIncidentId(stores.clock.now()) as string;
    const one = item(experiment as IncidentId, '00000001', { incident_id: null, experiment_id: experiment });
    const two = { ...one, id: `${experiment}-00000002`, title: 'Item 00000002' };
    await table().postmortems.addItems([one, two]);
    const entry = (n: number) => ({
      id: `action-item:${one.id}:${n}`,
      at: stores.clock.now(),
      actor: 'ada',
      kind: 'action_item.changed',
      subject: experiment,
      text: 'Changed',
      detail: {},
    });
    const since = plusSeconds(one.updated_at, 60);
    const done = { ...one, done: true, owner: 'ada', updated_at: since };
    expect(await table().postmortems.replaceItem(done, one, entry(1))).toBe(true);
    expect(await table().postmortems.replaceItem({ ...one, updated_at: since }, one, entry(2))).toBe(false);
    await table().postmortems.addItems([one, two]); // a repeat does not reopen it
    const found = await table().postmortems.itemsOf(one.service, experiment);
    expect(found.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([done, two]);
    expect(
      (await table().postmortems.openItemsOf(one.service)).filter((each) => each.experiment_id === experiment),
    ).toEqual([two]);
    const { items } = await table().postmortems.actionItems({
      limit: 10,
      keep: (each) => each.experiment_id === experiment,
    });
    expect(items).toEqual([done, two]);
  });

  test('action items are read in pages', async () => {
    const id = await opened();
    await save(
      record(id),
      'one',
      ['1', '2', '3'].map((n) => item(id, `0000000${n}`)),
    );
    const keep = ({ service }: StoredActionItem) => service === serviceEnvironment.service;
    const first = await table().postmortems.actionItems({ limit: 2, keep });
    expect(first.items.map((one) => one.title)).toEqual(['Item 00000001', 'Item 00000002']);
    const next = await table().postmortems.actionItems({ limit: 2, keep, cursor: first.next_cursor ?? '' });
    expect(next.items.map((one) => one.title)).toEqual(['Item 00000003']);
    expect(next.next_cursor).toBeNull();
  });

  test('drafts and reviews are open, and reminders of them are counted', async () => {
    const id = await opened();
    const isOpen = async () => (await table().postmortems.unpublished()).filter((one) => one.incident_id === id);
    await save(record(id), 'one');
    const one = record(id);
    const at = stores.clock.now();
    expect(await table().postmortems.remind(one, { times: 1, at })).toBe(true);
    expect(await table().postmortems.remind(one, { times: 1, at })).toBe(false);
    expect(await isOpen()).toEqual([{ ...one, reminded: { times: 1, at } }]);
    await save(record(id, { revision: 2, state: 'in_review' }), 'one');
    expect(await table().postmortems.remind(one, { times: 2, at })).toBe(false);
    expect(await isOpen()).toHaveLength(1);
    for (const [n, state] of (['published', 'draft', 'skipped'] as const).entries()) {
      await save(record(id, { revision: 3 + n, state }), 'one');
      expect(await isOpen()).toHaveLength(state === 'draft' ? 1 : 0);
    }
  });

  test('an action item that did not change keeps the time of its last change', async () => {
    const id = await opened();
    await save(record(id), 'one', [item(id, '0000000a'), item(id, '0000000b')]);
    const [before] = await table().postmortems.itemsOf(serviceEnvironment.service, id);
    later(60);
    const changed = item(id, '0000000b', { done: true });
    await save(record(id, { revision: 2 }), 'two', [item(id, '0000000a'), changed]);
    const items = await table().postmortems.itemsOf(serviceEnvironment.service, id);
    expect(items.map((one) => [one.id, one.updated_at])).toEqual([
      [`${id}-0000000a`, before?.updated_at],
      [`${id}-0000000b`, changed.updated_at],
    ]);
  });
});

inTheTable(() => {
  const link = (id: IncidentId, key: string, issue: string | null = null): IssueLink => ({
    item_id: `${id}-${key}`,
    key,
    tracker: 'github',
    place: 'acme/checkout',
    position: 0,
    issue: issue === null ? null : { id: issue, key: issue, url: `https://github.com/${issue}` },
    creating_since: null,
    base: { title: 'Alert sooner', done: false },
    pending: null,
    details: '{}',
    compared_at: null,
    problem: null,
    retry_at: null,
  });

  test('the issues of an incident are written one version after the other, and found by issue', async () => {
    const { actionItemIssues: issues } = table();
    const id = await opened();
    const first = { incident_id: id, rev: 1, busy_until: null, links: [link(id, '0000000a')] };
    expect([await issues.write(first), await issues.write(first)]).toEqual([true, false]);
    const next = { ...first, rev: 2, links: [link(id, '0000000a', `acme/${id}#1`)] };
    expect(await issues.write(next, [{ tracker: 'github', id: `acme/${id}#1` }])).toBe(true);
    expect(await issues.write({ ...next, links: [] })).toBe(false);
    expect(await issues.read(id)).toEqual(next);
    expect(await issues.readAll([id, id])).toEqual([next]);
    expect(await issues.incidentOf('github', `acme/${id}#1`)).toBe(id);
    expect(await issues.incidentOf('github', `acme/${id}#2`)).toBeUndefined();
  });

  test('a saved post-mortem, a request, and a webhook mark the incident, and no mark is lost', async () => {
    const { actionItemIssues: issues } = table();
    const id = await opened();
    const marks = async () => (await issues.marks()).filter((mark) => mark.id === id);
    await save(record(id), 'one');
    const [saved] = await marks();
    if (saved === undefined) throw new Error('not marked');
    await issues.request(id, `${id}-0000000a`, 'ada');
    await issues.request(id, `${id}-0000000a`, 'ada');
    await issues.settle(saved, null);
    const [requested] = await marks();
    if (requested === undefined) throw new Error('the mark was lost');
    expect(await issues.requested(id)).toEqual([{ item: `${id}-0000000a`, by: 'ada' }]);
    await issues.fulfilled(id, [`${id}-0000000a`]);
    expect(await issues.requested(id)).toEqual([]);
    const next = '2026-12-24T12:00:00.000Z' as Timestamp;
    await issues.settle(requested, next);
    expect((await marks()).map(({ at }) => at)).toEqual([next]);
    await issues.mark(id);
    const [again] = await marks();
    expect(again?.at).toBe(stores.clock.now());
    if (again !== undefined) await issues.settle(again, null);
    expect(await marks()).toEqual([]);
  });
});
