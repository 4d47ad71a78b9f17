import { describe, expect, test } from 'vitest';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import type { Message } from '../../../../schemas/incidents/inbox.ts';
import type { EnvironmentName } from '../../../../schemas/config/names.ts';
import { change, clear, clearing } from '../../arbitraries.ts';
import {
  here,
  opened,
  record,
  mailOf,
  isPending,
  closed,
  inputs,
  byTwo,
  approval,
  judged,
  stores,
  serviceEnvironment,
  inTheTable,
} from '../../stores/promises.ts';

inTheTable(() => {
  describe('decisions', () => {
    test('the first decision with a number is stored, with its inputs', async () => {
      const id = await opened();
      const first = await judged(id, 1);
      expect(first).toMatchObject({
        id: `${id}-1`,
        kind: 'roll_back',
        because: 'suspect',
        state: 'final',
        from_version: 'v2',
        to_version: 'v1',
      });
      expect(await judged(id, 1, approval())).toEqual(first);
      expect(await stores.decisions.get(id, 1)).toEqual(first);
      expect(await stores.decisions.inputs(id, 1)).toEqual(inputs());
      expect(await record(id)).toMatchObject({ mitigations: 1, suspects: [{ version: 'v2' }] });
    });

    test('in shadow mode store what would have been decided, and the first mark as wrong', async () => {
      const id = await opened();
      const shadow = clear({ policy: { mode: 'shadow', unknownMigration: 'approve' } });
      expect(await stores.decisions.markWrong(id, 'ada', 'too early')).toBe(0);
      const first = await judged(id, 1, shadow);
      expect(first).toMatchObject({
        kind: 'shadow',
        would: { kind: 'roll_back', reasons: [{ code: 'suspect' }, { code: 'evidence' }] },
      });
      const acting = await judged(id, 2);
      expect(acting).not.toHaveProperty('would');
      expect(await stores.decisions.markWrong(id, 'ada', 'it was DNS')).toBe(1);
      expect(await stores.decisions.markWrong(id, 'eve', 'me too')).toBe(1);
      const marked_wrong = { by: 'ada', note: 'it was DNS', at: expect.any(String) };
      expect(await stores.decisions.get(id, 1)).toEqual({ ...first, marked_wrong });
      expect(await stores.decisions.get(id, 2)).toEqual(acting);
    });

    test('a change that a person has cleared is no suspect anywhere until that is taken back', async () => {
      const id = await opened();
      await judged(id, 1);
      const one = clearing(change('v2', 8));
      const message: Message = { kind: 'cleared', by: 'ada', change: one.change_id, judge: true };
      await stores.incidents.post(id, message, ({ cleared = [] }) => ({ cleared: [...cleared, one] }));
      const seen = async () => ({
        read: (await record(id)).suspects,
        view: (await stores.incidents.view(id))?.suspects,
        story: (await stores.incidents.story(id, null))?.incident.suspects,
        here: (await stores.incidents.openAt(serviceEnvironment))?.suspects,
        open: (await stores.incidents.open()).find((incident) => incident.id === id)?.suspects,
      });
      expect(await seen()).toEqual({ read: [], view: [], story: [], here: [], open: [] });
      expect((await record(id)).cleared).toEqual([one]);
      expect((await stores.incidents.view(id))?.cleared).toEqual([one]);
      expect(await mailOf(id)).toEqual([message]);
      const back = { ...one, restored: { by: 'bo', at: stores.clock.now() } };
      await stores.incidents.post(id, message, { cleared: [back] });
      expect((await seen()).read).toMatchObject([{ version: 'v2' }]);
      expect((await seen()).story).toMatchObject([{ version: 'v2' }]);
    });

    test('earlier suspects stay visible if there are no new ones, except cleared ones', async () => {
      const id = await opened();
      await judged(id, 1);
      await judged(id, 2, clear({ changes: [] }));
      expect((await record(id)).suspects).toMatchObject([{ version: 'v2' }]);
      const cleared = [clearing(change('v9', 10))];
      await judged(id, 3, clear({ changes: [], evidence: { cleared } }));
      expect((await record(id)).suspects).toEqual([]);
    });

    test('is neither stored nor asked once the incident is resolved', async () => {
      const id = await opened();
      const first = await judged(id, 1);
      await closed(id);
      const before = await stores.incidents.story(id, null);
      expect(await stores.decisions.keep(id, 2, decide(approval()), approval())).toBeNull();
      expect(await stores.decisions.keep(id, 1, decide(approval()), approval())).toEqual(first);
      expect(await stores.incidents.story(id, null)).toEqual(before);
    });

    test('does not exist before it was made', async () => {
      const id = await opened();
      expect([await stores.decisions.get(id, 1), await stores.decisions.inputs(id, 1)]).toEqual([undefined, undefined]);
    });

    test('an approval request waits, and is answered by its digest, once', async () => {
      const id = await opened();
      const { digest, state } = await judged(id, 1, approval());
      expect(state).toBe('waiting');
      expect(await stores.decisions.await(id, 1, 'bell-a')).toBe('waiting');
      expect(await record(id)).toMatchObject({ callbacks: { 'decision-1': 'bell-a' } });
      expect(await stores.decisions.answer(id, 'another digest', 'approved', 'ada', '')).toBe('superseded');
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', 'go')).toBe('taken');
      expect(await stores.decisions.get(id, 1)).toMatchObject({ state: 'approved', answered_by: 'ada' });
      expect(await mailOf(id)).toEqual([{ kind: 'answered', decision: `${id}-1`, by: 'ada' }]);
      expect(await isPending(id)).toBe(false);
    });

    test('a double click repeats the first answer; another answer is too late', async () => {
      const id = await opened();
      const { digest } = await judged(id, 1, approval());
      const answer = (how: 'approved' | 'rejected', by: string) => stores.decisions.answer(id, digest, how, by, '');
      expect([await answer('approved', 'ada'), await answer('approved', 'ada')]).toEqual(['taken', 'repeated']);
      expect([await answer('rejected', 'ada'), await answer('approved', 'bo')]).toEqual(['superseded', 'superseded']);
      expect(await mailOf(id)).toHaveLength(1);
    });

    test('an expired request cannot be answered, and an answered one cannot expire', async () => {
      const id = await opened();
      const [first, second] = [await judged(id, 1, approval()), await judged(id, 2, approval())];
      expect(await stores.decisions.expire(id, 1)).toBe('expired');
      expect(await stores.decisions.answer(id, first.digest, 'approved', 'ada', '')).toBe('superseded');
      expect(await stores.decisions.answer(id, second.digest, 'rejected', 'ada', '')).toBe('taken');
      expect(await stores.decisions.expire(id, 2)).toBe('rejected');
    });

    test('a request is withdrawn once, with one entry that says why, and nobody can answer it then', async () => {
      const id = await opened();
      const [first, second] = [await judged(id, 1, approval()), await judged(id, 2, approval())];
      const withdraw = (number: number, because: string) =>
        stores.decisions.withdraw(id, number, { by: 'firebreak', because, isDone: true });
      expect([await withdraw(1, 'v1 was rolled back'), await withdraw(1, 'again')]).toEqual(['withdrawn', 'withdrawn']);
      expect(await stores.decisions.get(id, 1)).toMatchObject({
        state: 'withdrawn',
        answered_by: 'firebreak',
        withdrawn: { because: 'v1 was rolled back', done: true },
      });
      expect(await stores.decisions.answer(id, first.digest, 'approved', 'ada', '')).toBe('superseded');
      expect(await stores.decisions.expire(id, 1)).toBe('withdrawn');
      expect(await stores.decisions.answer(id, second.digest, 'rejected', 'ada', '')).toBe('taken');
      expect(await withdraw(2, 'too late')).toBe('rejected');
      const { items } = await stores.incidents.timeline(id, { limit: 50 });
      expect(items.flatMap(({ kind, text }) => (kind === 'decision.withdrawn' ? [text] : []))).toEqual([
        'Question closed: v1 was rolled back',
      ]);
      expect((await mailOf(id)).map(({ kind }) => kind)).toEqual(['answered', 'answered']);
    });

    test('a decision without a request cannot be answered', async () => {
      const id = await opened();
      const { digest } = await judged(id, 1);
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', '')).toBe('superseded');
      expect(await stores.decisions.expire(id, 1)).toBe('final');
    });

    test('one that needs two approvals waits for a second person', async () => {
      const id = await opened();
      const { digest, approvals } = await judged(id, 1, byTwo());
      expect(approvals).toEqual({ needed: 2, given: [] });
      const approve = (by: string) => stores.decisions.answer(id, digest, 'approved', by, '');
      expect([await approve('ada'), await approve('ada')]).toEqual(['taken', 'needs_another']);
      expect(await approve('Ada ')).toBe('needs_another');
      expect(await stores.decisions.get(id, 1)).toMatchObject({
        state: 'waiting',
        answered_by: null,
        approvals: { needed: 2, given: ['ada'] },
      });
      expect(await mailOf(id)).toEqual([]);
      expect(await approve('bo')).toBe('taken');
      expect(await stores.decisions.get(id, 1)).toMatchObject({
        state: 'approved',
        answered_by: 'bo',
        approvals: { needed: 2, given: ['ada', 'bo'] },
      });
      expect(await mailOf(id)).toEqual([{ kind: 'answered', decision: `${id}-1`, by: 'bo' }]);
      expect(await approve('cy')).toBe('superseded');
    });

    test('one of two people can reject it, even after approving it', async () => {
      for (const by of ['bo', 'ada']) {
        serviceEnvironment.environment = `by-${by}` as EnvironmentName;
        const id = await opened(here({ fingerprint: `${serviceEnvironment.service}/${by}` }));
        const { digest } = await judged(id, 1, byTwo());
        await stores.decisions.answer(id, digest, 'approved', 'ada', '');
        expect(await stores.decisions.answer(id, digest, 'rejected', by, '')).toBe('taken');
        expect(await stores.decisions.get(id, 1)).toMatchObject({ state: 'rejected', answered_by: by });
      }
    });

    test('the requester counts as the first of two', async () => {
      const id = await opened();
      const of = clear({ request: { by: 'person', name: 'ada' }, policy: { approvals: 2 } });
      const { digest, approvals } = await judged(id, 1, of);
      expect(approvals).toEqual({ needed: 2, given: ['ada'] });
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', '')).toBe('needs_another');
      expect(await stores.decisions.answer(id, digest, 'approved', 'bo', '')).toBe('taken');
      expect(await stores.decisions.state(id, 1)).toBe('approved');
    });

    test('a request of a runbook is answered by the people it names, and by as many as the policy requires', async () => {
      const byBo = { people: ['bo'], seconds: null };
      const of = (approvals: 1 | 2) =>
        clear({ request: { by: 'runbook', name: 'r', approval: byBo }, policy: { approvals } });
      const id = await opened();
      const [alone, two] = [await judged(id, 1, of(1)), await judged(id, 2, of(2))];
      const approve = (digest: string, by: string) => stores.decisions.answer(id, digest, 'approved', by, '');
      expect(await stores.decisions.answer(id, alone.digest, 'rejected', 'ada', '')).toBe('not_requested');
      expect([await approve(alone.digest, 'ada'), await approve(alone.digest, 'bo')]).toEqual([
        'not_requested',
        'taken',
      ]);
      expect(await stores.decisions.state(id, 1)).toBe('approved');
      expect([await approve(two.digest, 'ada'), await approve(two.digest, 'cy')]).toEqual(['taken', 'not_requested']);
      expect(await stores.decisions.state(id, 2)).toBe('waiting');
      expect(await approve(two.digest, 'bo')).toBe('taken');
      expect(await stores.decisions.get(id, 2)).toMatchObject({
        state: 'approved',
        approvals: { needed: 2, given: ['ada', 'bo'] },
      });
    });

    test('a request without objection can be approved by timeout, unless it was answered', async () => {
      const id = await opened();
      const [, second] = [await judged(id, 1, approval()), await judged(id, 2, approval())];
      expect(await stores.decisions.expire(id, 1, 'approved')).toBe('approved');
      expect(await stores.decisions.get(id, 1)).toMatchObject({ answered_by: 'firebreak:nobody objected in time' });
      await stores.decisions.answer(id, second.digest, 'rejected', 'ada', '');
      expect(await stores.decisions.expire(id, 2, 'approved')).toBe('rejected');
    });

    test('requests of a closed incident cannot be answered', async () => {
      const id = await opened();
      const { digest } = await judged(id, 1, approval());
      await closed(id);
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', '')).toBe('superseded');
    });
  });
});
