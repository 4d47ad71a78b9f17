import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ProjectionTable } from '../../../../core/stores/incidents/projections.ts';
import type { Due, Lease } from '../../../../core/domain/incidents/projections.ts';
import type { IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import {
  type SentMessage,
  type Subject,
  type ProjectionTargetName,
  PROJECTION_TARGET_NAMES,
} from '../../../../schemas/incidents/projection.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { silent } from '../../../support/fake-deps.ts';
import { arrivals, signal } from '../../../support/signals.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

let stores: TableStores;
let subjects = 0;
let subject: Subject;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

beforeEach(() => {
  subjects += 1;
  subject = `incident:subject-${subjects}`;
  later(60); // no projector was woken recently
  stores.woken.length = 0;
});

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);
const projections = () => stores.projections;

const allDue = async (target: ProjectionTargetName, of: Subject = subject): Promise<Due[]> =>
  (await projections().due(target)).filter((one) => one.subject === of);

/** Returns what is due for the subject of the test. */
async function due(target: ProjectionTargetName = 'slack'): Promise<Due> {
  const [one] = await allDue(target);
  if (one === undefined) throw new Error(`${subject} is not due at ${target}`);
  return one;
}

/** The targets that show incidents, in the order of their names. */
const AT_INCIDENTS = ['gates', 'grafana', 'slack', 'status', 'statuspage', 'webhooks'] as const;

describe('a change', () => {
  test('that waits is due at once when the clock is set back, and wakes its projectors', async () => {
    await projections().changed(subject);
    await projections().settle('slack', await due(), plusSeconds(stores.clock.now(), 60));
    expect((await due()).notBefore).not.toBeNull();
    stores.clock.setBack(7200);
    expect((await due()).notBefore).toBeNull();
    stores.woken.length = 0;
    await projections().changed(subject);
    expect(stores.woken).toContain('grafana in 1 s');
    later(7200);
  });

  test('is due at every target that shows it, and wakes those', async () => {
    await projections().changed(subject);
    const fresh = { subject, marks: 1, since: stores.clock.now(), notBefore: null };
    for (const target of AT_INCIDENTS) expect(await allDue(target)).toEqual([fresh]);
    expect(await allDue('tickets')).toEqual([]);
    expect(stores.woken.toSorted()).toEqual(AT_INCIDENTS.map((target) => `${target} in 1 s`));
  });

  test.each([
    ['change', ['grafana', 'traces', 'webhooks']],
    ['pipeline-run', ['traces']],
    ['freeze', ['grafana', 'gates']],
    ['freeze-gates', ['gates']],
    ['pins', ['images']],
    ['notice', ['slack']],
    ['ticket', ['tickets']],
    ['postmortem', ['tickets', 'webhooks']],
  ] as const)('of a %s is shown at %j', async (kind, targets) => {
    await projections().changed(`${kind}:${subjects}`);
    expect(stores.woken).toEqual(targets.map((target) => `${target} in 1 s`));
    for (const target of targets) expect(await allDue(target, `${kind}:${subjects}`)).toHaveLength(1);
  });

  test('is returned oldest first, and keeps its time while it changes again', async () => {
    const since = stores.clock.now();
    await projections().changed(subject);
    later(5);
    await projections().changed(`incident:younger-${subjects}`);
    later(5);
    await projections().changed(subject);
    const all = (await projections().due('slack')).filter((one) => one.subject.endsWith(`-${subjects}`));
    expect(all).toMatchObject([
      { subject, marks: 2, since },
      { subject: `incident:younger-${subjects}`, marks: 1, since: plusSeconds(since, 5) },
    ]);
  });

  test('is found for all targets at once as for each alone', async () => {
    await projections().changed(subject);
    await projections().settle('slack', await due(), null);
    const everywhere = await projections().dueAnywhere();
    for (const target of PROJECTION_TARGET_NAMES)
      expect(everywhere.get(target)).toEqual(await projections().due(target));
    expect(everywhere.get('slack')).not.toContainEqual(expect.objectContaining({ subject }));
    expect(everywhere.get('grafana')).toContainEqual(expect.objectContaining({ subject }));
  });

  test('does not wake a target again within a moment, but after a while', async () => {
    await projections().changed(subject);
    later(10);
    await projections().changed(subject);
    expect(stores.woken).toHaveLength(AT_INCIDENTS.length);
    later(11);
    await projections().changed(subject);
    expect(stores.woken).toHaveLength(2 * AT_INCIDENTS.length);
  });

  test('together with others wakes each target once', async () => {
    await projections().changed(subject, `incident:other-${subjects}`, `notice:${subjects}`);
    expect(stores.woken.toSorted()).toEqual(AT_INCIDENTS.map((target) => `${target} in 1 s`));
  });

  test('is marked with the incident that opens, without waking a target', async () => {
    const one = signal({ service: `marked-${subjects}` as ServiceName, fingerprint: `marked-${subjects}` });
    const { opened } = await stores.incidents.admit(arrivals([one]), { at: stores.clock.now(), trace: '' });
    const [id = '' as IncidentId] = opened;
    expect(await allDue('slack', `incident:${id}`)).toMatchObject([{ marks: 1, notBefore: null }]);
    expect(stores.woken).toEqual([]);
    await projections().changed(`incident:${id}`);
    expect(stores.woken).toHaveLength(AT_INCIDENTS.length);
  });

  test('stays marked if no target can be woken, without an error for the writer', async () => {
    const deaf = async (): Promise<void> => {
      throw new Error('no such queue');
    };
    await new ProjectionTable(stores.table, stores.clock, deaf, silent).changed(subject);
    expect(await allDue('slack')).toHaveLength(1);
  });
});

describe('a shown subject', () => {
  test('is not due any more', async () => {
    await projections().changed(subject);
    await projections().settle('slack', await due(), null);
    expect(await allDue('slack')).toEqual([]);
    expect(await allDue('grafana')).toHaveLength(1);
    await projections().changed(subject);
    expect(await due()).toMatchObject({ marks: 2, since: stores.clock.now() });
  });

  test('is due at once if it changed in the meantime', async () => {
    await projections().changed(subject);
    const before = await due();
    await projections().changed(subject);
    await projections().settle('slack', before, null);
    expect(await due()).toMatchObject({ marks: 2, notBefore: null });
    await projections().settle('slack', before, plusSeconds(stores.clock.now(), 60));
    expect(await due()).toMatchObject({ marks: 2, notBefore: null });
  });

  test('that is incomplete continues at its time, or when it changes, which wakes its target', async () => {
    await projections().changed(subject);
    const again = plusSeconds(stores.clock.now(), 60);
    await projections().settle('slack', await due(), again);
    expect(await due()).toMatchObject({ marks: 1, notBefore: again });
    stores.woken.length = 0;
    later(1);
    await projections().changed(subject);
    expect(await due()).toMatchObject({ marks: 2, notBefore: null });
    expect(stores.woken).toEqual(['slack in 1 s']);
  });

  test('can be settled twice', async () => {
    await projections().changed(subject);
    const one = await due();
    await projections().settle('slack', one, null);
    await projections().settle('slack', one, null);
    await projections().settle('slack', one, plusSeconds(stores.clock.now(), 9));
    expect(await allDue('slack')).toEqual([]);
  });
});

describe('a session at a target', () => {
  const SECONDS = 15;
  const taken: Lease[] = [];
  const take = async (target: ProjectionTargetName = 'tickets'): Promise<Lease | undefined> => {
    const lease = await projections().lease(target, SECONDS);
    if (lease !== undefined) taken.push(lease);
    return lease;
  };
  const mine = async (): Promise<Lease> => {
    const lease = await take();
    if (lease === undefined) throw new Error('somebody else works there');
    return lease;
  };

  beforeEach(async () => {
    for (const lease of taken.splice(0)) await projections().release({ ...lease, pace: { buckets: {}, blocked: {} } });
  });

  test('does not outlast its length when the clock is set back', async () => {
    await mine();
    stores.clock.setBack(7200);
    expect(await take()).toBeDefined();
    later(7200);
  });

  test('is exclusive until it is released', async () => {
    const lease = await mine();
    expect(await take()).toBeUndefined();
    expect(await take('slack')).toBeDefined();
    await projections().release(lease);
    expect(await take()).toBeDefined();
  });

  test('is given to one of many concurrent callers', async () => {
    const leases = await Promise.all(Array.from({ length: 8 }, () => take()));
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  test('without renewal is lost: another caller gets it, and the first one learns of it', async () => {
    const dead = await mine();
    later(SECONDS - 1);
    expect(await take()).toBeUndefined();
    later(2);
    const next = await mine();
    expect(await projections().renew(dead, SECONDS)).toBe(false);
    await projections().release({ ...dead, wakeAt: stores.clock.now() });
    expect(await take()).toBeUndefined(); // nothing was left to release
    expect(await projections().renew(next, SECONDS)).toBe(true);
  });

  test('continues while it is renewed', async () => {
    const lease = await mine();
    for (const _ of [1, 2, 3]) {
      later(SECONDS - 5);
      expect(await projections().renew(lease, SECONDS)).toBe(true);
    }
    expect(await take()).toBeUndefined();
  });

  test('passes the rest of its rate limit to the next one, and wakes it', async () => {
    const lease = await mine();
    const pace = { buckets: { post: { left: 0.5, at: 1 } }, blocked: { post: { until: 2, failures: 3 } } };
    const wakeAt = plusSeconds(stores.clock.now(), 40);
    await projections().release({ ...lease, pace, wakeAt });
    expect(await mine()).toMatchObject({ pace, wakeAt });
  });

  test('can be woken at a given time', async () => {
    await projections().wake('tickets', 42);
    expect(stores.woken).toEqual(['tickets in 42 s']);
  });
});

describe('the state of a subject at a target', () => {
  test('has the last written value, separate from others', async () => {
    expect(await projections().read('slack', subject)).toBeUndefined();
    await projections().write('slack', subject, { channel: 'C1', lines: { a: null } });
    await projections().write('slack', subject, { channel: 'C2' });
    expect(await projections().read('slack', subject)).toEqual({ channel: 'C2' });
    expect(await projections().read('grafana', subject)).toBeUndefined();
  });
});

describe('a message that is sent once', () => {
  const intend = (key: string, replaces?: SentMessage) =>
    projections().intend('slack', subject, key, stores.clock.now(), replaces);
  const sent = (key: string) => projections().sent('slack', subject, key);

  test('is intended once', async () => {
    expect(await sent('summary')).toBeUndefined();
    expect([await intend('summary'), await intend('summary'), await intend('entry 1')]).toEqual([true, false, true]);
    expect(await sent('summary')).toEqual({ state: 'intended', at: stores.clock.now(), channel: null, id: null });
  });

  test('is intended by one of many concurrent callers', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => intend('summary')));
    expect(all.filter(Boolean)).toHaveLength(1);
  });

  test('that failed is intended again, by one caller', async () => {
    await intend('summary');
    const free: SentMessage = { state: 'free', at: stores.clock.now(), channel: null, id: null };
    await projections().conclude('slack', subject, 'summary', free);
    later(1);
    expect(await intend('summary')).toBe(false);
    const all = await Promise.all(Array.from({ length: 6 }, () => intend('summary', free)));
    expect(all.filter(Boolean)).toHaveLength(1);
    expect(await sent('summary')).toMatchObject({ state: 'intended', at: stores.clock.now() });
    expect(await intend('summary', free)).toBe(false);
  });

  test('has its channel and id when it is done', async () => {
    await intend('#payments line');
    const done: SentMessage = { state: 'done', at: stores.clock.now(), channel: 'C1', id: '1732104000.000100' };
    await projections().conclude('slack', subject, '#payments line', done);
    expect(await sent('#payments line')).toEqual(done);
  });
});

describe('sequence numbers', () => {
  test('are unique, however many are taken at once', async () => {
    const row = `261120-${subjects}`;
    const all = await Promise.all(Array.from({ length: 20 }, () => projections().nextNumber(row)));
    expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(await projections().nextNumber(`${row}-b`)).toBe(1);
  });

  test('continue above a number that is in use, and never decrease', async () => {
    const row = `261121-${subjects}`;
    expect(await projections().nextNumber(row, 7)).toBe(8);
    expect(await projections().nextNumber(row, 3)).toBe(9);
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => projections().nextNumber(row, 20 + n)));
    expect(new Set(all).size).toBe(8);
    expect(all.every((number) => number > 20)).toBe(true);
  });
});
