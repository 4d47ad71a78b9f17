import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IntendedAction, RollbackEnd } from '../../../core/domain/ports/decisions.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { afterVerdict } from '../../../core/domain/rollback/verdict.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { actAt, clear } from '../arbitraries.ts';
import { arrivals, signal, stranger } from '../../support/signals.ts';
import { openTable, type TableStores } from './stores.ts';
import { IncidentTable } from '../../../core/stores/incidents/incidents.ts';

let stores: TableStores;
let services = 0;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

/** Creates signals of a service that no other test uses. */
function aService(): (name: string | number, more?: Partial<Signal>) => Signal {
  services += 1;
  const service = `racing-${services}` as ServiceName;
  return (name, more = {}) => signal({ service, fingerprint: `${service}/${name}`, ...more });
}

const admit = (...signals: Signal[]) =>
  stores.incidents.admit(arrivals(signals), { at: stores.clock.now(), trace: 'trace' });

async function record(id: IncidentId) {
  const incident = await stores.incidents.read(id);
  if (incident === undefined) throw new Error(`incident ${id} cannot be read`);
  return incident;
}

async function opened(one: Signal): Promise<IncidentId> {
  const [id] = (await admit(one)).opened;
  if (id === undefined) throw new Error('no incident was opened');
  return id;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function allMail(id: IncidentId): Promise<Extract<Message, { kind: 'signals' }>[]> {
  const { messages: mail } = await stores.incidents.readInbox(id, 0, null);
  return mail.flatMap(({ message }) => (message.kind === 'signals' ? [message] : []));
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

describe('concurrent signals of one service and environment', () => {
  test('twenty different ones open one incident, and each is counted once', async () => {
    const of = aService();
    const admitted = await Promise.all(numbers(20).map((n) => admit(of(n))));
    const ids = new Set(admitted.flatMap(({ wake }) => wake));
    expect(admitted.flatMap(({ opened: made }) => made)).toHaveLength(1);
    expect(ids.size).toBe(1);
    const [id = '' as IncidentId] = ids;
    const incident = await record(id);
    expect(incident).toMatchObject({ signal_count: 20, firing: 20, seq: 19, status: 'open' });
    expect((await stores.incidents.signals(id, { limit: 50 })).items).toHaveLength(20);
    expect(sum((await allMail(id)).map(({ fired }) => fired))).toBe(19);
  });

  test('twenty identical ones are one episode of one incident', async () => {
    const of = aService();
    const admitted = await Promise.all(numbers(20).map(() => admit(of('same'))));
    expect(admitted.flatMap(({ opened: made }) => made)).toHaveLength(1);
    expect(sum(admitted.map(({ counts }) => counts.known))).toBe(19);
    const [id = '' as IncidentId] = admitted.flatMap(({ opened: made }) => made);
    expect(await record(id)).toMatchObject({ signal_count: 1, firing: 1, seq: 0 });
  });

  test('twenty concurrent ends are each counted once', async () => {
    const of = aService();
    const id = (await admit(...numbers(20).map((n) => of(n)))).opened[0] as IncidentId;
    await Promise.all(
      numbers(20).flatMap((n) => [1, 2].map(() => admit(of(n, { status: 'resolved', endsAt: stores.clock.now() })))),
    );
    expect(await record(id)).toMatchObject({ firing: 0, signal_count: 20 });
    expect(sum((await allMail(id)).map(({ resolved }) => resolved))).toBe(20);
  });

  test('of unknown services are separated by their names', async () => {
    services += 1;
    const called = numbers(4).map((n) => `stranger-${services}-${n}`);
    const admitted = await Promise.all(
      called.flatMap((name) => numbers(5).map((n) => admit(stranger(name, { fingerprint: `${name}/${n}` })))),
    );
    const ids = admitted.flatMap(({ opened: made }) => made);
    expect(ids).toHaveLength(4);
    const records = await Promise.all(ids.map(record));
    expect(new Set(records.map(({ unmatched }) => unmatched))).toEqual(new Set(called));
    expect(records.every(({ signal_count }) => signal_count === 5)).toBe(true);
  });
});

test('an incident that is read during a decision includes the new suspects', async () => {
  const id = await opened(aService()('judged'));
  const inputs = { ...clear(), evidence: { ...clear().evidence, incident_id: id } };
  const decision = decide(inputs);
  expect(decision.suspects).not.toEqual([]);
  let judged: Promise<unknown> | undefined;
  const meanwhile = new Proxy(stores.table, {
    get(table, name: keyof typeof stores.table) {
      const own: unknown = table[name];
      if (typeof own !== 'function') return own;
      if (name !== 'get') return own.bind(table) as unknown;
      return async (...args: Parameters<typeof table.get>) => {
        const item = await table.get(...args);
        judged ??= stores.decisions.keep(id, 1, decision, inputs);
        await judged;
        return item;
      };
    },
  });
  const shown = await new IncidentTable(meanwhile, stores.clock).view(id);
  expect(judged).toBeDefined();
  expect([shown?.decisions.length, shown?.suspects.length]).not.toEqual([1, 0]);
  const after = await stores.incidents.view(id);
  expect([after?.decisions.length, after?.suspects]).toEqual([1, decision.suspects]);
});

test('500 alerts of two services are two incidents and 500 signals, however often they are delivered', async () => {
  const groups = [aService(), aService()].map((of) => numbers(250).map((n) => of(n)));
  const admitted = await Promise.all(groups.map((group) => admit(...group)));
  for (const { opened: ids, counts } of admitted) {
    expect(counts).toEqual({ opened: 1, joined: 249, recorded: 0, known: 0 });
    const id = ids[0] as IncidentId;
    expect(await record(id)).toMatchObject({ signal_count: 250, firing: 250, pages: 0 });
    const mail = await allMail(id); // the first 25 came with the incident itself
    expect([mail.length, sum(mail.map(({ fired }) => fired))]).toEqual([9, 225]);
  }
  const again = await Promise.all(groups.map((group) => admit(...group)));
  expect(again.map(({ counts }) => counts)).toEqual(
    groups.map(() => ({ opened: 0, joined: 0, recorded: 0, known: 250 })),
  );
});

test('one request can report that an alert fired and ended, in this order', async () => {
  const of = aService();
  const { opened: ids } = await admit(of(1), of(1, { status: 'resolved', endsAt: stores.clock.now() }));
  expect(await record(ids[0] as IncidentId)).toMatchObject({ signal_count: 1, firing: 0 });
});

/**
 * Lets `second` happen before each call of `first` to the store in turn, and at last after all of them, each time in a new
 * setting.
 */
async function interleave<Setting, First, Second>(
  begin: () => Promise<Setting>,
  first: (setting: Setting) => Promise<First>,
  second: (setting: Setting) => Promise<Second>,
  check: (setting: Setting, first: First, second: Second) => Promise<void>,
): Promise<void> {
  for (let call = 1, isAfterAll = false; !isAfterAll; call += 1) {
    const setting = await begin();
    let interrupting: Promise<Second> | undefined;
    stores.store.before(call, () => (interrupting = second(setting)));
    const answer = await first(setting);
    isAfterAll = interrupting === undefined;
    stores.store.before(Infinity, async () => undefined);
    await check(setting, answer, await (interrupting ?? second(setting)));
  }
}

describe('an incident that closes while a signal arrives', () => {
  const begin = async () => {
    const of = aService();
    return { of, id: await opened(of(0)) };
  };
  type Setting = Awaited<ReturnType<typeof begin>>;
  const resolve = ({ id }: Setting) => stores.incidents.resolve(id, 0, 'person:ada', 'over');
  const arrive = ({ of }: Setting) => admit(of(1));
  type Admitted = Awaited<ReturnType<typeof arrive>>;

  const check = async ({ id }: Setting, closed: string, { wake, opened: made }: Admitted): Promise<void> => {
    const incident = await record(id);
    if (closed === 'resolved') {
      expect(incident).toMatchObject({ status: 'resolved', signal_count: 1 });
      expect(made).toHaveLength(1);
      expect(await record(made[0] as IncidentId)).toMatchObject({ status: 'open', signal_count: 1 });
    } else {
      expect(incident).toMatchObject({ status: 'open', signal_count: 2, seq: 1 });
      expect([wake, made]).toEqual([[id], []]);
    }
  };

  test('either closes, and the signal opens the next one, or stays open and contains it', async () => {
    const closings = new Set<string>();
    await interleave(begin, resolve, arrive, (setting, closed, admitted) => {
      closings.add(closed);
      return check(setting, closed, admitted);
    });
    expect(closings).toEqual(new Set(['resolved', 'not_yet']));
    await interleave(begin, arrive, resolve, (setting, admitted, closed) => check(setting, closed, admitted));
  });

  test('closes once, however many try', async () => {
    const of = aService();
    const id = await opened(of(0));
    const tries = await Promise.all(numbers(8).map(() => stores.incidents.resolve(id, 0, 'person:ada', 'over')));
    expect(tries).toContain('resolved');
    const timeline = (await stores.incidents.timeline(id, { limit: 50 })).items;
    expect(timeline.filter(({ kind }) => kind === 'incident.resolved')).toHaveLength(1);
    expect((await admit(of(1))).opened).toHaveLength(1);
  });

  test('a message is in its inbox, or the sender learns that it is closed', async () => {
    const of = aService();
    const id = await opened(of(0));
    const [closed, ...taken] = await Promise.all([
      stores.incidents.resolve(id, 0, 'person:ada', 'over'),
      ...numbers(6).map(() => stores.incidents.post(id, { kind: 'page', by: 'ada', note: '' })),
    ]);
    const { messages: mail } = await stores.incidents.readInbox(id, 0, null);
    expect(mail).toHaveLength(taken.filter(Boolean).length);
    expect(closed === 'resolved' ? mail : [1]).toHaveLength(closed === 'resolved' ? 0 : 1);
  });
});

test('concurrent messages all arrive, each with its own number', async () => {
  const id = await opened(aService()(0));
  await Promise.all(numbers(15).map((n) => stores.incidents.post(id, { kind: 'page', by: `person:${n}`, note: '' })));
  const { messages: mail } = await stores.incidents.readInbox(id, 0, null);
  expect(mail.map(({ seq }) => seq)).toEqual(numbers(15).map((n) => n + 1));
  expect(new Set(mail.map(({ message }) => ('by' in message ? message.by : ''))).size).toBe(15);
});

test('concurrent messages with the same key arrive once', async () => {
  const id = await opened(aService()(0));
  const taken = await Promise.all(
    numbers(10).map(() => stores.incidents.post(id, { kind: 'page', by: 'a', note: '' }, {}, 'k')),
  );
  expect(taken.every(Boolean)).toBe(true);
  expect((await stores.incidents.readInbox(id, 0, null)).messages).toHaveLength(1);
});

describe('concurrent automatic actions', () => {
  const intent = (key: string) =>
    ({ key, kind: 'roll-back', target: 'http://cd', class: 'keyed', detail: 'Rolling back' }) as const;
  const anHour = () => stores.clock.set(stores.clock.millis + 3_601_000); // after all earlier actions of this file

  /** Starts a number of actions, each on its own service. */
  const begin = (count: number, more: Partial<IntendedAction> = {}) =>
    Promise.all(
      numbers(count).map(async () => {
        const of = aService();
        const serviceEnvironment = { service: of(0).service, environment: 'production' as EnvironmentName };
        const id = await opened(of(0));
        return stores.effects.intendAction(id, intent(`${id}.roll-back.1`), { ...actAt(serviceEnvironment), ...more });
      }),
    );
  const outcomes = (begun: Awaited<ReturnType<typeof begin>>) =>
    begun.map((one) => (one.ok ? 'ok' : one.reason.code)).toSorted();

  test('ten of ten services may start, and each is counted', async () => {
    anHour();
    expect(outcomes(await begin(10))).toEqual(numbers(10).map(() => 'ok'));
    expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(10);
  });

  test('ten of fifteen may start, and approved ones in addition', async () => {
    anHour();
    const [automatic, agreed] = await Promise.all([begin(15), begin(3, { automatic: false })]);
    expect(outcomes(automatic)).toEqual(
      [...numbers(10).map(() => 'ok'), ...numbers(5).map(() => 'organisation_limit')].toSorted(),
    );
    expect(outcomes(agreed)).toEqual(['ok', 'ok', 'ok']);
    expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(10);
  });

  test('one of several incidents on one target may start, regardless of their services', async () => {
    anHour();
    const begun = await begin(6, { resource: 'the account of all of them' });
    expect(outcomes(begun)).toEqual([...numbers(5).map(() => 'locked'), 'ok']);
    expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(1);
  });

  test('the same action of a dead run and its successor is one action', async () => {
    anHour();
    const of = aService();
    const serviceEnvironment = { service: of(0).service, environment: 'production' as EnvironmentName };
    const id = await opened(of(0));
    const begun = await Promise.all(
      numbers(5).map(() => stores.effects.intendAction(id, intent(`${id}.roll-back.1`), actAt(serviceEnvironment))),
    );
    expect(outcomes(begun)).toEqual(numbers(5).map(() => 'ok'));
    expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(1);
    expect(await stores.effects.rollbacksSince(serviceEnvironment, plusSeconds(stores.clock.now(), -3600))).toBe(1);
  });

  test('that are marked as wrong at once demote their service, once', async () => {
    const of = aService();
    const serviceEnvironment = { service: of(0).service, environment: 'production' as EnvironmentName };
    const id = await opened(of(0));
    for (const n of numbers(2))
      await stores.effects.intendAction(id, intent(`${id}.${n}`), {
        ...actAt(serviceEnvironment),
        resource: `${id}.${n}`,
        automatic: false,
      });
    await Promise.all(numbers(6).map((n) => stores.automation.markWrong(id, `${id}.${n % 2}`, 'not healthy')));
    expect((await stores.automation.read()).demoted).toMatchObject({
      [serviceEnvironment.service]: { reason: '2 of its last 2 automatic actions were wrong' },
    });
  });
});

const asks = clear({ policy: { mode: 'approve', unknownMigration: 'approve' } });
const question = async (id: IncidentId, number = 1) =>
  (await stores.decisions.keep(id, number, decide(asks), asks)) ?? expect.unreachable();

describe('an approval request', () => {
  test('that is withdrawn while it is answered is either answered or withdrawn', async () => {
    for (const _ of numbers(8)) {
      const id = await opened(aService()(0));
      const { digest } = await question(id);
      const [answered, standing] = await Promise.all([
        stores.decisions.answer(id, digest, 'approved', 'ada', ''),
        stores.decisions.withdraw(id, 1, { by: 'firebreak', because: 'the incident is judged again' }),
      ]);
      const { messages: mail } = await stores.incidents.readInbox(id, 0, null);
      expect([answered, standing, mail.length]).toEqual(
        answered === 'taken' ? ['taken', 'approved', 1] : ['superseded', 'withdrawn', 1],
      );
    }
  });

  test('that two people answer at once has one answer', async () => {
    const id = await opened(aService()(0));
    const { digest } = await question(id);
    const answers = await Promise.all([
      stores.decisions.answer(id, digest, 'approved', 'ada', ''),
      stores.decisions.answer(id, digest, 'rejected', 'bo', ''),
    ]);
    expect(answers.toSorted()).toEqual(['superseded', 'taken']);
    const view = await stores.decisions.get(id, 1);
    expect(view).toMatchObject(
      answers[0] === 'taken' ? { state: 'approved', answered_by: 'ada' } : { state: 'rejected', answered_by: 'bo' },
    );
  });

  describe('a request that needs two approvals', () => {
    const two = clear({ policy: { mode: 'approve', unknownMigration: 'approve', approvals: 2 } });
    const asked = async () => {
      const id = await opened(aService()(0));
      const { digest } = (await stores.decisions.keep(id, 1, decide(two), two)) ?? expect.unreachable();
      return { id, approve: (by: string) => stores.decisions.answer(id, digest, 'approved', by, '') };
    };

    test('has both when two people approve at once', async () => {
      const { id, approve } = await asked();
      expect(await Promise.all([approve('ada'), approve('bo')])).toEqual(['taken', 'taken']);
      const view = await stores.decisions.get(id, 1);
      expect(view).toMatchObject({ state: 'approved' });
      expect(view?.approvals.given.toSorted()).toEqual(['ada', 'bo']);
      expect((await stores.incidents.readInbox(id, 0, null)).messages).toHaveLength(1);
    });

    test('still waits when one person approves several times at once', async () => {
      const { id, approve } = await asked();
      const answers = await Promise.all(numbers(5).map(() => approve('ada')));
      expect(answers.filter((one) => one === 'taken')).toHaveLength(1);
      expect(await stores.decisions.get(id, 1)).toMatchObject({ state: 'waiting', approvals: { given: ['ada'] } });
    });
  });

  test('that is created twice at once is one request', async () => {
    const id = await opened(aService()(0));
    const kept = await Promise.all(
      numbers(5).map((n) => stores.decisions.keep(id, 1, decide(asks), { ...asks, config_version: `v${n}` })),
    );
    expect(new Set(kept.map((one) => one?.digest)).size).toBe(1);
    expect(
      (await stores.incidents.timeline(id, { limit: 9 })).items.filter(({ kind }) => kind === 'decision'),
    ).toHaveLength(1);
  });
});

describe('rollbacks of one service and environment', () => {
  const intent = (key: string) =>
    ({ key, kind: 'roll-back', target: 'http://cd', class: 'keyed', detail: 'Rolling back' }) as const;

  test('from two incidents at once: one may start', async () => {
    services += 1;
    const serviceEnvironment = {
      service: `racing-${services}` as ServiceName,
      environment: 'production' as EnvironmentName,
    };
    const ids = await Promise.all(numbers(2).map((n) => opened(aService()(n))));
    const begun = await Promise.all(
      ids.map((id) => stores.effects.intendAction(id, intent(`${id}.roll-back.1`), actAt(serviceEnvironment))),
    );
    expect(begun.map((one) => (one.ok ? 'ok' : one.reason.code)).toSorted()).toEqual(['locked', 'ok']);
    const statuses = await Promise.all(ids.map(async (id) => (await record(id)).status));
    expect(statuses.toSorted()).toEqual(['mitigating', 'open']);
    expect(await stores.effects.rollbacksSince(serviceEnvironment, plusSeconds(stores.clock.now(), -60))).toBe(1);
  });

  test('that start during a verdict are in progress, regardless of the verdict', async () => {
    const mitigated = async () => {
      const of = aService();
      const serviceEnvironment = { service: of(0).service, environment: 'production' as EnvironmentName };
      const id = await opened(of(0));
      const change = { status: 'mitigated', verification: 'pending' } as const;
      await stores.incidents.post(id, { kind: 'page', by: 'ada', note: '' }, change);
      return { id, serviceEnvironment };
    };
    type Setting = Awaited<ReturnType<typeof mitigated>>;
    const start = ({ id, serviceEnvironment }: Setting) =>
      stores.effects.intendAction(id, intent(`${id}.roll-back.2`), actAt(serviceEnvironment));
    const judge = ({ id }: Setting) =>
      stores.incidents.post(id, { kind: 'verification', number: 1, outcome: 'failed' }, (incident) =>
        afterVerdict(incident, { number: 1 }, 'failed'),
      );
    const check = async ({ id }: Setting) =>
      expect(await record(id)).toMatchObject({ status: 'mitigating', verification: 'failed' });
    await interleave(mitigated, start, judge, check);
    await interleave(mitigated, judge, start, check);
  });

  test('that end twice at once end once', async () => {
    const of = aService();
    const { service } = of(0);
    const serviceEnvironment = { service, environment: 'production' as EnvironmentName };
    const id = await opened(of(0));
    const started_at = plusSeconds(stores.clock.now(), -600);
    const { change } = await stores.changes.record(
      NewChange.parse({ ...serviceEnvironment, version: 'v2', started_at }),
    );
    await question(id);
    await stores.effects.intendAction(id, intent('k'), actAt(serviceEnvironment));
    const end: RollbackEnd = {
      key: 'k',
      number: 1,
      serviceEnvironment: serviceEnvironment,
      outcome: 'succeeded',
      page: 'no',
      text: 'Rolled back to v1',
      versionChange: { from: 'v2' as Version, to: 'v1' as Version, suspect: change.id },
    };
    await Promise.all(numbers(4).map(() => stores.effects.concludeRollback(id, end)));
    expect((await stores.incidents.readInbox(id, 0, null)).messages).toHaveLength(1);
    expect(
      (await stores.changes.recent(serviceEnvironment, 9)).map(({ version, kind }) => `${kind} ${version}`),
    ).toEqual(['deploy v2', 'rollback v1']);
  });

  test('that end while their version is updated lose neither change', async () => {
    const of = aService();
    const { service } = of(0);
    const serviceEnvironment = { service, environment: 'production' as EnvironmentName };
    const id = await opened(of(0));
    const { change } = await stores.changes.record(
      NewChange.parse({ ...serviceEnvironment, version: 'v2', started_at: plusSeconds(stores.clock.now(), -600) }),
    );
    await question(id);
    await stores.effects.intendAction(id, intent('k'), actAt(serviceEnvironment));
    await Promise.all([
      stores.effects.concludeRollback(id, {
        key: 'k',
        number: 1,
        serviceEnvironment: serviceEnvironment,
        outcome: 'succeeded',
        page: 'no',
        text: '',
        versionChange: { from: 'v2' as Version, to: 'v1' as Version, suspect: change.id },
      }),
      ...numbers(3).map((n) => stores.changes.patch(change.id, { author: `author-${n}` })),
    ]);
    const after = await stores.changes.get(change.id);
    expect(after).toMatchObject({ rolled_back_by: id });
    expect(after?.author).toMatch(/^author-/);
  });
});

describe('concurrent incidents', () => {
  const groupReason = { because: 'many', name: '', text: 'many' } as const;
  const environments = (): EnvironmentName => `crowded-${(services += 1)}` as EnvironmentName;
  const open = (environment: string) =>
    stores.incidentGroups.openParent(environment, groupReason, 'many at once', 'trace');
  const child = (environment: EnvironmentName) => opened(aService()('child', { environment }));

  test('open one parent', async () => {
    const environment = environments();
    const ids = await Promise.all(numbers(12).map(() => open(environment)));
    expect(new Set(ids).size).toBe(1);
    expect((await stores.incidentGroups.parentIn(environment))?.incident.id).toBe(ids[0]);
    const all = await stores.incidentGroups.newestOpenings({
      since: plusSeconds(stores.clock.now(), -1),
      until: stores.clock.now(),
    });
    expect(all.filter((one) => one.environment === environment)).toEqual([]); // a parent is no failure of its own
  });

  test('join it once each, also when several processes add the same one', async () => {
    const environment = environments();
    const parent = await open(environment);
    const children = await Promise.all(numbers(10).map(() => child(environment)));
    const joined = await Promise.all([...children, ...children].map((id) => stores.incidentGroups.join(parent, id)));
    expect(new Set(joined)).toEqual(new Set(['joined']));
    expect(await record(parent)).toMatchObject({ firing: 10, signal_count: 10 });
    expect((await stores.incidents.story(parent, null))?.children).toHaveLength(10);
  });

  test('and are each counted once when they end at the same time', async () => {
    const environment = environments();
    const parent = await open(environment);
    const children = await Promise.all(numbers(8).map(() => child(environment)));
    for (const id of children) await stores.incidentGroups.join(parent, id);
    await Promise.all([...children, ...children].map((id) => stores.incidentGroups.childEnded(parent, id)));
    expect(await record(parent)).toMatchObject({ firing: 0, signal_count: 8 });
  });

  test('a child that joins while its parent closes is a child of it, or independent', async () => {
    const begin = async () => {
      const environment = environments();
      return { parent: await open(environment), part: await child(environment) };
    };
    type Setting = Awaited<ReturnType<typeof begin>>;
    const join = ({ parent, part }: Setting) => stores.incidentGroups.join(parent, part);
    const close = ({ parent }: Setting) => stores.incidents.resolve(parent, 0, null, 'All have ended');
    const check = async ({ parent, part }: Setting, joined: string, closed: string): Promise<void> => {
      expect([joined, closed]).toEqual(closed === 'resolved' ? ['closed', 'resolved'] : ['joined', 'not_yet']);
      expect((await record(part)).parent_id).toBe(closed === 'resolved' ? undefined : parent);
    };
    await interleave(begin, join, close, check);
    await interleave(begin, close, join, (setting, closed, joined) => check(setting, joined, closed));
  });
});
