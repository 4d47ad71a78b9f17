import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IntendedAction, StepQuestion } from '../../../../core/domain/ports/decisions.ts';
import type { SelectedRunbook } from '../../../../core/domain/ports/runbooks.ts';
import type { StepGuards } from '../../../../core/domain/rollback/guard.ts';
import type { Message } from '../../../../schemas/incidents/inbox.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { runbook } from '../../domain/runbooks/support.ts';
import { arrivals, signal } from '../../../support/signals.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

let table: TableStores;

beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

const followed = (name = 'stuck-queue', more = ''): SelectedRunbook => ({
  runbook: runbook(`title: ${name}\nsteps:\n  - { id: say, uses: note, with: { text: said } }\n${more}`, `${name}.md`),
  labels: [['runbook', name]],
  annotations: [['summary', 'It is stuck']],
});

let services = 0;

describe('runbooks of incidents', () => {
  /** Opens a new incident. */
  async function given(): Promise<TableStores & { id: IncidentId; act: IntendedAction }> {
    const stores = table;
    services += 1;
    const serviceEnvironment = {
      service: `runbooks-${services}` as ServiceName,
      environment: 'production' as EnvironmentName,
    };
    const one = signal({ ...serviceEnvironment, fingerprint: serviceEnvironment.service });
    const { opened } = await stores.incidents.admit(arrivals([one]), { at: stores.clock.now(), trace: 'trace' });
    const [id] = opened;
    if (id === undefined) throw new Error('no incident was opened');
    const act = {
      serviceEnvironment: serviceEnvironment,
      resource: `target of ${serviceEnvironment.service}`,
      automatic: false,
      isProposed: true,
    };
    return { ...stores, id, act };
  }

  const kinds = async ({ incidents, id }: TableStores & { id: IncidentId }) =>
    (await incidents.timeline(id, { limit: 50 })).items.map(({ kind }) => kind);
  const mail = async ({ incidents, id }: TableStores & { id: IncidentId }): Promise<Message[]> =>
    (await incidents.readInbox(id, 0, null)).messages.map(({ message }) => message);
  const recordOf = async ({ incidents, id }: TableStores & { id: IncidentId }) => {
    const { status, verification } = (await incidents.read(id)) ?? {};
    return { status, verification };
  };

  test('a selection is stored completely, and the first one of a number is kept', async () => {
    const stores = await given();
    const { runbooks, id } = stores;
    expect(await runbooks.choose(id, 1, followed('first'), 'it fires')).toEqual(followed('first'));
    expect(await runbooks.choose(id, 1, followed('second'), 'it fires')).toEqual(followed('first'));
    expect(await runbooks.get(id, 1)).toEqual(followed('first'));
    expect(await runbooks.get(id, 2)).toBeUndefined();
    expect(await runbooks.of(id)).toEqual([{ number: 1, name: 'first', done: false, acted: false }]);
    expect((await kinds(stores)).filter((kind) => kind === 'runbook.started')).toHaveLength(1);
  });

  test('a runbook is followed once, even if two evaluations select it at the same time', async () => {
    const stores = await given();
    const { runbooks, id } = stores;
    const found = await Promise.all([1, 2, 3].map((number) => runbooks.choose(id, number, followed(), 'it fires')));
    expect(found.filter((one) => one !== undefined)).toHaveLength(1);
    expect(await runbooks.of(id)).toHaveLength(1);
    expect((await kinds(stores)).filter((kind) => kind === 'runbook.started')).toHaveLength(1);
  });

  test('a runbook that is too large for an item is stored too', async () => {
    const { runbooks, id } = await given();
    const large = followed('large');
    const whole = { ...large, runbook: { ...large.runbook, body: 'what to do. '.repeat(30_000) } };
    await runbooks.choose(id, 1, whole, 'it fires');
    expect(await runbooks.get(id, 1)).toEqual(whole);
  });

  test('the first stored value of a step is kept', async () => {
    const { runbooks, id } = await given();
    await runbooks.choose(id, 1, followed(), 'it fires');
    expect(await runbooks.recall(id, 1, 'end drain')).toBeUndefined();
    expect(await runbooks.remember(id, 1, 'end drain', { status: 'succeeded', output: { id: 'd-7' } })).toEqual({
      status: 'succeeded',
      output: { id: 'd-7' },
    });
    expect(await runbooks.remember(id, 1, 'end drain', { status: 'failed', output: null })).toEqual({
      status: 'succeeded',
      output: { id: 'd-7' },
    });
    expect(await runbooks.recall(id, 1, 'end drain')).toMatchObject({ output: { id: 'd-7' } });
    expect(await runbooks.recall(id, 1, 'end drain.undo')).toBeUndefined();
    expect(await runbooks.of(id)).toHaveLength(1);
  });

  test('the end of a run that changed production is a mitigation that waits for verification', async () => {
    const stores = await given();
    const { runbooks, id } = stores;
    await runbooks.choose(id, 1, followed(), 'it fires');
    const end = { outcome: 'finished', text: 'It is finished', acted: true, page: 'no' } as const;
    await runbooks.conclude(id, 1, end);
    await runbooks.conclude(id, 1, { ...end, acted: false });
    expect(await recordOf(stores)).toEqual({ status: 'mitigated', verification: 'pending' });
    expect(await mail(stores)).toEqual([{ kind: 'runbook', number: 1, acted: true, page: 'no' }]);
    expect(await runbooks.of(id)).toEqual([{ number: 1, name: 'stuck-queue', done: true, acted: true }]);
    expect((await kinds(stores)).filter((kind) => kind === 'runbook.finished')).toHaveLength(1);
  });

  test('the end of a failed run opens the incident again', async () => {
    const stores = await given();
    const { runbooks, effects, id, act } = stores;
    await runbooks.choose(id, 1, followed(), 'it fires');
    const effect = {
      key: `${id}.runbook.1.off`,
      kind: 'flag',
      target: 't',
      class: 'convergent',
      detail: 'off',
    } as const;
    expect(await effects.intendAction(id, effect, act)).toMatchObject({ ok: true });
    expect(await recordOf(stores)).toMatchObject({ status: 'mitigating' });
    await effects.conclude(id, effect.key, 'failed', 'refused');
    await runbooks.conclude(id, 1, { outcome: 'failed', text: 'It has failed', acted: false, page: 'if_nobody' });
    expect(await recordOf(stores)).toEqual({ status: 'open', verification: 'not_needed' });
  });

  test('but not while another action is in progress, or after an earlier one', async () => {
    const stores = await given();
    const { runbooks, effects, id, act } = stores;
    const failed = { outcome: 'failed', text: 'It has failed', acted: false, page: 'no' } as const;
    for (const number of [1, 2, 3]) await runbooks.choose(id, number, followed(`r-${number}`), 'it fires');
    const effect = {
      key: `${id}.runbook.1.off`,
      kind: 'flag',
      target: 't',
      class: 'convergent',
      detail: 'off',
    } as const;
    await effects.intendAction(id, effect, act);
    await runbooks.conclude(id, 2, failed);
    expect(await recordOf(stores)).toMatchObject({ status: 'mitigating' });
    await effects.conclude(id, effect.key, 'succeeded', 'off');
    await runbooks.conclude(id, 1, { ...failed, outcome: 'finished', acted: true });
    await effects.intendAction(id, { ...effect, key: `${id}.runbook.3.off` }, act);
    await effects.conclude(id, `${id}.runbook.3.off`, 'failed', 'refused');
    await runbooks.conclude(id, 3, failed);
    expect(await recordOf(stores)).toEqual({ status: 'mitigated', verification: 'pending' });
  });

  test('an end after the end of the incident is recorded, and pages no one', async () => {
    const stores = await given();
    const { runbooks, incidents, id } = stores;
    await runbooks.choose(id, 1, followed(), 'it fires');
    await incidents.resolve(id, 0, 'person:ada', 'Resolved by ada');
    await runbooks.conclude(id, 1, { outcome: 'stopped', text: 'It ends with the incident', acted: true, page: 'no' });
    expect(await recordOf(stores)).toEqual({ status: 'resolved', verification: 'not_needed' });
    expect(await mail(stores)).toEqual([]);
    expect(await kinds(stores)).toContain('runbook.stopped');
  });

  test('the next run gets the runbooks that have started, and those that are done', async () => {
    const { runbooks, incidents, id } = await given();
    for (const number of [1, 4]) await runbooks.choose(id, number, followed(`r-${number}`), 'it fires');
    await runbooks.conclude(id, 1, { outcome: 'finished', text: 'done', acted: true, page: 'no' });
    expect(await incidents.begin(id)).toMatchObject({
      unfinished: [],
      runbooks: [
        { number: 1, name: 'r-1', done: true, acted: true },
        { number: 4, name: 'r-4', done: false, acted: false },
      ],
    });
  });

  describe('a run that a person starts', () => {
    const byAda = (name = 'stuck-queue') => ({ ...followed(name), by: 'person:ada', inputs: { queue: 'a' } });

    test('has its own number, and leaves a message', async () => {
      const stores = await given();
      const { runbooks, id } = stores;
      await runbooks.choose(id, 1, followed('alerts'), 'it fires');
      expect(await runbooks.start(id, byAda())).toEqual({ kind: 'started', number: 101 });
      expect(await runbooks.start(id, byAda('other'))).toEqual({ kind: 'started', number: 102 });
      expect(await mail(stores)).toEqual([
        { kind: 'runbook_run', number: 101 },
        { kind: 'runbook_run', number: 102 },
      ]);
      expect(await runbooks.run(id, 101)).toMatchObject({ ...byAda(), number: 101, outcome: null, text: null });
      const { items } = await runbooks.list({ limit: 500 });
      expect(items.filter(({ incident }) => incident === id).map(({ number }) => number)).toEqual([102, 101, 1]);
    });

    test('exists once per runbook, regardless of who started it, and can be started again afterwards', async () => {
      const { runbooks, id } = await given();
      await runbooks.choose(id, 1, followed(), 'it fires');
      expect(await runbooks.start(id, byAda())).toEqual({ kind: 'running', number: 1 });
      await runbooks.conclude(id, 1, { outcome: 'failed', text: 'It has failed', acted: false, page: 'again' });
      const found = await Promise.all([1, 2, 3].map(() => runbooks.start(id, byAda())));
      expect(found.filter(({ kind }) => kind === 'started')).toEqual([{ kind: 'started', number: 101 }]);
      expect(found.filter(({ kind }) => kind === 'running')).toHaveLength(2);
      await runbooks.conclude(id, 101, { outcome: 'finished', text: 'It is finished', acted: false, page: 'no' });
      expect(await runbooks.run(id, 101)).toMatchObject({ outcome: 'finished', text: 'It is finished' });
      expect(await runbooks.start(id, byAda())).toEqual({ kind: 'started', number: 102 });
      expect(await runbooks.choose(id, 2, followed(), 'it fires')).toBeUndefined();
    });

    test('cannot start in a resolved incident', async () => {
      const { runbooks, incidents, id } = await given();
      await incidents.resolve(id, 0, 'person:ada', 'Resolved by ada');
      expect(await runbooks.start(id, byAda())).toEqual({ kind: 'closed' });
    });

    test('stores the results of its steps', async () => {
      const { runbooks, id } = await given();
      const end = { status: 'succeeded', output: null, detail: '' } as const;
      await runbooks.start(id, { ...byAda(), continues: { of: 1, done: { say: end }, earlierKeys: { drain: 'k' } } });
      await runbooks.remember(id, 101, 'ended say', end);
      expect((await runbooks.run(id, 101))?.continues).toEqual({
        of: 1,
        done: { say: end },
        earlierKeys: { drain: 'k' },
      });
      expect(await runbooks.memories(id, 101)).toEqual(new Map([['ended say', end]]));
    });
  });

  describe('an approval request for a step', () => {
    const guards: StepGuards = {
      service: 'checkout',
      matched: true,
      guard: { state: 'read', paused: false },
      incident_paused: false,
      one_of_many: false,
      demoted: false,
      modes: ['approve'],
      requires_approval: false,
    };
    const question = (act: IntendedAction, more: Partial<StepQuestion> = {}): StepQuestion => ({
      serviceEnvironment: act.serviceEnvironment,
      text: 'off: turn off feature flag basket',
      reasons: [{ code: 'mode_approve', text: 'automation is in mode approve' }],
      people: null,
      approvals: 1,
      inputs: { runbook: 'r', title: 'R', version: 'v', step: 'off', only_asks: false, guards },
      ...more,
    });
    const NUMBER = 1_001_002;

    test('waits for its answer, names its subject, and keeps its first version', async () => {
      const { decisions, id, act } = await given();
      const first = await decisions.ask(id, NUMBER, question(act));
      expect(first).toMatchObject({
        kind: 'approve',
        state: 'waiting',
        because: 'mode_approve',
        question: question(act).text,
        from_version: null,
        target: act.serviceEnvironment,
      });
      expect(await decisions.ask(id, NUMBER, question(act, { text: 'another' }))).toEqual(first);
      expect(await decisions.inputs(id, NUMBER)).toEqual(question(act).inputs);
      expect(await decisions.answer(id, first.digest, 'approved', 'ada', '')).toBe('taken');
      expect(await decisions.state(id, NUMBER)).toBe('approved');
    });

    test('is answered only by the people who are asked', async () => {
      const { decisions, id, act } = await given();
      const { digest } = await decisions.ask(id, NUMBER, question(act, { people: ['bob'] }));
      expect(await decisions.answer(id, digest, 'approved', 'ada', '')).toBe('not_requested');
      expect(await decisions.state(id, NUMBER)).toBe('waiting');
      expect(await decisions.answer(id, digest, 'rejected', 'bob', '')).toBe('taken');
      expect(await decisions.answer(id, digest, 'approved', 'ada', '')).not.toBe('taken');
    });

    test('requires a second person if the policy does', async () => {
      const { decisions, id, act } = await given();
      const { digest } = await decisions.ask(id, NUMBER, question(act, { approvals: 2 }));
      expect(await decisions.answer(id, digest, 'approved', 'ada', '')).toBe('taken');
      expect(await decisions.state(id, NUMBER)).toBe('waiting');
      expect(await decisions.answer(id, digest, 'approved', 'ada', '')).toBe('needs_another');
      expect(await decisions.answer(id, digest, 'approved', 'bob', '')).toBe('taken');
      expect(await decisions.state(id, NUMBER)).toBe('approved');
    });

    test('is not a decision: no run takes it up as one', async () => {
      const { decisions, incidents, id, act } = await given();
      await decisions.ask(id, NUMBER, question(act));
      expect((await incidents.begin(id))?.unfinished).toEqual([]);
      expect((await incidents.read(id))?.mitigations).toBe(0);
    });
  });
});

describe('in the table', () => {
  test('the timeline names the people who are asked, and an answer does not mention a rollback', async () => {
    const stores = table;
    services += 1;
    const serviceEnvironment = {
      service: `runbooks-${services}` as ServiceName,
      environment: 'production' as EnvironmentName,
    };
    const one = signal({ ...serviceEnvironment, fingerprint: serviceEnvironment.service });
    const { opened } = await stores.incidents.admit(arrivals([one]), { at: stores.clock.now(), trace: 'trace' });
    const [id] = opened as [IncidentId];
    const { digest } = await stores.decisions.ask(id, 1_001_002, {
      serviceEnvironment: serviceEnvironment,
      text: 'off',
      reasons: [{ code: 'runbook_requires_approval', text: 'the runbook requires approval' }],
      people: ['ada', 'bob'],
      approvals: 2,
      inputs: { runbook: 'r', title: 'R', version: 'v', step: 'off', only_asks: true, guards: {} as StepGuards },
    });
    await stores.decisions.answer(id, digest, 'approved', 'ada', '');
    await stores.decisions.answer(id, digest, 'approved', 'bob', '');
    const { items } = await stores.incidents.timeline(id, { limit: 10 });
    expect(items.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'off? Approve or reject.\nAsks because the runbook requires approval.\nAsked: ada, bob.',
        'Approved the request; a second approval is required',
        'Approved the request',
      ]),
    );
  });
});
