import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Act,
  actGate,
  actsOf,
  type Asked,
  flagDoneText,
  ROLL_BACK,
  setsFlag,
} from '../../../../core/domain/rollback/same-act.ts';
import type { ChangeId, EnvironmentName, ServiceName, Version } from '../../../../schemas/config/names.ts';
import type { Effect } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const at = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
const elsewhere = { ...at, environment: 'staging' as EnvironmentName };
const off: Act = { ...at, does: setsFlag('basket', false) };
const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
const EARLIER = '2026-11-20T11:50:00.000Z' as Timestamp;

const asked = (decision: Partial<Asked['decision']>, more: Partial<Asked> = {}): Asked => ({
  decision: {
    kind: 'approve',
    state: 'waiting',
    target: at,
    from_version: null,
    answered_by: decision.state === 'waiting' || decision.state === undefined ? null : 'ada',
    ...decision,
  },
  acts: [off],
  ...more,
});

const offer = (act: 'roll_back' | 'turn_off_flag', from: string, digest: string) => ({
  digest,
  change_id: `chg_${digest}` as ChangeId,
  act,
  ...at,
  from_version: from as Version,
  to_version: null,
});

describe('the acts of a decision', () => {
  const decision = { kind: 'approve', target: at, from_version: 'v2' as Version } as const;

  test.each([
    ['a rollback, whatever version it restores', decision, undefined, [{ ...at, does: ROLL_BACK }]],
    ['an automatic rollback', { ...decision, kind: 'roll_back' }, undefined, [{ ...at, does: ROLL_BACK }]],
    ['a decision against a rollback', { ...decision, kind: 'none' }, undefined, []],
    ['one that only suggests', { ...decision, kind: 'suggest' }, undefined, []],
    ['no target', { ...decision, target: null }, undefined, []],
    [
      'a choice',
      { ...decision, offers: [offer('roll_back', 'v2', 'a'), offer('turn_off_flag', 'basket', 'b')] },
      undefined,
      [{ ...at, does: ROLL_BACK }, off],
    ],
    ['a question of a runbook', { ...decision, question: 'Off?' }, off.does, [off]],
    ['a question that only asks', { ...decision, question: 'Go on?' }, undefined, []],
  ] as const)('%s', (_, given, does, acts) => {
    expect(actsOf(given as Parameters<typeof actsOf>[0], does)).toEqual(acts);
  });
});

describe('a step of a runbook', () => {
  const withdrawn = (done: boolean, when: Timestamp) =>
    asked({ state: 'withdrawn', withdrawn: { because: 'x', done, at: when } }, { outcome: 'withdrawn' });
  const choice: Partial<Asked['decision']> = {
    state: 'approved',
    offers: [offer('roll_back', 'v2', 'a'), offer('turn_off_flag', 'basket', 'b')],
  };

  test.each<[string, Asked[], string | null, object]>([
    ['acts if nobody is asked', [], null, { kind: 'free' }],
    ['waits for an answer', [asked({ answer_until: NOON })], null, { kind: 'waits', until: NOON }],
    [
      'waits for the approved act',
      [asked({ state: 'approved' }, { outcome: null })],
      null,
      { kind: 'waits', until: null },
    ],
    [
      'waits for the automatic act of a decision',
      [asked({ kind: 'roll_back', state: 'final' }, { outcome: null })],
      null,
      { kind: 'waits', until: null },
    ],
    [
      'finds the approved act done',
      [asked({ state: 'approved' }, { outcome: 'succeeded' })],
      null,
      { kind: 'done', because: 'ada approved it' },
    ],
    [
      'may act if the approved act failed',
      [asked({ state: 'approved' }, { outcome: 'failed' })],
      null,
      { kind: 'free' },
    ],
    [
      'does not do what was rejected',
      [asked({ state: 'rejected' })],
      null,
      { kind: 'declined', because: 'ada rejected it' },
    ],
    [
      'does not do what nobody answered',
      [asked({ state: 'expired' })],
      null,
      { kind: 'declined', because: 'nobody answered the question about it in time' },
    ],
    [
      'does not do what was not chosen',
      [asked({ ...choice, chosen: 'a' }, { outcome: 'succeeded' })],
      null,
      { kind: 'declined', because: 'ada chose another act' },
    ],
    [
      'waits for what was chosen',
      [asked({ ...choice, chosen: 'b' }, { outcome: null })],
      null,
      { kind: 'waits', until: null },
    ],
    [
      'waits for the judgement that replaces a question',
      [withdrawn(false, NOON)],
      null,
      { kind: 'waits', until: null },
    ],
    ['acts if no judgement replaces it', [withdrawn(false, EARLIER)], null, { kind: 'free' }],
    ['finds done what was done while people were asked', [withdrawn(true, NOON)], null, { kind: 'done', because: 'x' }],
    ['is done whatever is asked', [asked({})], 'it is off already', { kind: 'done', because: 'it is off already' }],
    ['follows the newest answer', [asked({ state: 'rejected' }), asked({})], null, { kind: 'waits', until: null }],
    [
      'follows an answer before a withdrawn question',
      [asked({ state: 'rejected' }), withdrawn(false, EARLIER)],
      null,
      { kind: 'declined', because: 'ada rejected it' },
    ],
    [
      'ignores questions about other acts and places',
      [
        asked(
          {},
          {
            acts: [
              { ...at, does: ROLL_BACK },
              { ...elsewhere, does: off.does },
            ],
          },
        ),
      ],
      null,
      { kind: 'free' },
    ],
  ])('%s', (_, given, done, gate) => {
    expect(actGate(off, given, done, '2026-11-20T11:59:00.000Z' as Timestamp)).toEqual(gate);
  });

  test('never acts while any question about the same act is open', () => {
    const state = fc.constantFrom('waiting', 'approved', 'rejected', 'expired', 'final' as const);
    const any = fc.record({
      state,
      about: fc.boolean(),
      outcome: fc.constantFrom(undefined, null, 'succeeded' as const, 'failed' as const),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 6 }), (all) => {
        const given = all.map(({ state: now, about, outcome }) =>
          asked({ state: now }, { acts: about ? [off] : [], ...(outcome !== undefined && { outcome }) }),
        );
        const isOpen = all.some(
          ({ state: now, about, outcome }) => about && (now === 'waiting' || (now === 'approved' && outcome === null)),
        );
        expect(actGate(off, given, null, NOON).kind === 'waits').toBe(isOpen);
      }),
    );
  });
});

test('a flag is done by any other action of Firebreak, until it is turned on again', () => {
  const effect = (key: string, on: boolean, minute: string): Effect =>
    ({
      key,
      kind: 'flag',
      target: 'http://flags.test',
      class: 'convergent',
      detail: '',
      state: 'succeeded',
      at: `2026-11-20T12:${minute}:00.000Z`,
      flag: { name: 'basket', on },
      service_environment: at,
    }) as Effect;
  const turnedOff = effect('a', false, '01');
  expect(flagDoneText(off, [turnedOff], 'b')).toBe('feature flag basket is off already, since 12:01 UTC');
  expect(flagDoneText(off, [turnedOff], 'a')).toBeNull();
  expect(flagDoneText(off, [turnedOff, effect('c', true, '02')], 'b')).toBeNull();
  expect(flagDoneText(off, [{ ...turnedOff, state: 'failed' }], 'b')).toBeNull();
  expect(flagDoneText({ ...elsewhere, does: off.does }, [turnedOff], 'b')).toBeNull();
});
