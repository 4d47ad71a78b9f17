import { describe, expect, test } from 'vitest';
import { subjectOf } from '../../../../core/domain/messages/decision-lines.ts';
import { buttonsOf } from '../../../../core/domain/messages/incident-buttons.ts';
import type { Story } from '../../../../core/domain/messages/story.ts';
import type { ClearedSuspect, DecisionView, Effect } from '../../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../../schemas/incidents/reason.ts';
import type { ChangeId, EnvironmentName, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { INCIDENT, NOON } from '../../arbitraries.ts';
import { incident, story } from '../../stories.ts';

const suspects = [
  { change_id: `chg_${'0'.repeat(26)}` as ChangeId, version: 'v2' as Version, confidence: 0.9, reasons: [] },
];

const question = (number: number, more: Partial<DecisionView> = {}): DecisionView => ({
  id: `${INCIDENT}-${number}`,
  kind: 'approve',
  because: 'mode_approve',
  at: NOON,
  digest: `digest-${number}`,
  state: 'waiting',
  from_version: 'v2' as Version,
  to_version: 'v1' as Version,
  reasons: [],
  answered_by: null,
  target: null,
  approvals: { needed: 1, given: [] },
  ...more,
});

const acted: Effect = {
  key: `${INCIDENT}.rollback.1`,
  kind: 'roll-back',
  target: 'cd',
  class: 'keyed',
  state: 'succeeded',
  at: NOON,
  detail: '',
};

function rows(of: Partial<Story>) {
  const { questions, more } = buttonsOf(story(of));
  return [...questions, ...more].map((part) => (part.kind === 'buttons' ? part.buttons : []));
}
const verbs = (more: Partial<Story>) => rows(more).map((row) => row.map(({ button }) => button.verb));

describe('buttons of an incident', () => {
  test('that is unacknowledged', () => {
    expect(verbs({})).toEqual([
      ['acknowledge', 'take_command'],
      ['details', 'severity', 'publish', 'pause', 'resolve'],
    ]);
  });

  test('that has a commander', () => {
    const ada = { name: 'ada', shown: 'Ada', slack: null, at: NOON };
    const cared = incident({ roles: { commander: ada }, handling: { acknowledged: { by: 'ada', at: NOON } } });
    expect(verbs({ incident: cared })).toEqual([['details', 'severity', 'publish', 'pause', 'resolve']]);
  });

  test('with a decision: its answers come first, and refer only to this decision', () => {
    const [first = []] = rows({ decisions: [question(1, { state: 'rejected' }), question(2)] });
    expect(first.map(({ button }) => button)).toEqual([
      { verb: 'approve', incident: INCIDENT, digest: 'digest-2' },
      { verb: 'reject', incident: INCIDENT, digest: 'digest-2' },
    ]);
    expect(first[0]).toMatchObject({ text: 'Roll back to v1', confirm: { text: 'Roll back from v2 to v1.' } });
  });

  test('with a choice: one button for each act that can be done, and one for none of them', () => {
    const offer = (n: number, more: object) => ({
      digest: `digest-1-${n}`,
      change_id: `chg_${String(n).repeat(26)}` as ChangeId,
      service: 'shop' as ServiceName,
      environment: 'live' as EnvironmentName,
      ...more,
    });
    const offers = [
      offer(1, { act: 'turn_off_flag', from_version: 'new-cart', to_version: null }),
      offer(2, { act: 'roll_back', from_version: 'v2', to_version: 'v1' }),
    ] as DecisionView['offers'];
    const reasons: Reason[] = [{ code: 'candidates_tie', text: 'two are about equally probable' }];
    const asked = question(1, { from_version: null, to_version: null, offers, reasons });
    const [first = [], second = []] = rows({ decisions: [asked] });
    expect(
      [first, second].map((row) => row.map(({ text, button }) => [text, 'digest' in button && button.digest])),
    ).toEqual([
      [['Turn off new-cart', 'digest-1-1']],
      [
        ['Roll back v2 to v1', 'digest-1-2'],
        ['None of these', 'digest-1'],
      ],
    ]);
    expect(first[0]?.confirm?.text).toBe(
      'Turn off feature flag new-cart of shop in live. Asks because two are about equally probable.',
    );
    expect(subjectOf(asked)).toBe(
      'Turn off feature flag new-cart of shop in live, or roll shop in live back from v2 to v1',
    );
  });

  test('with a choice of versions: the reason to ask is about the target, and not about the version that is offered beside it', () => {
    const offers = ['v1', 'v2'].map((to, n) => ({
      digest: `digest-1-${n}`,
      change_id: `chg_${'3'.repeat(26)}` as ChangeId,
      act: 'roll_back',
      service: 'shop' as ServiceName,
      environment: 'live' as EnvironmentName,
      from_version: 'v3',
      to_version: to,
    })) as DecisionView['offers'];
    const reasons: Reason[] = [{ code: 'migration_in_deploy', text: 'v2 has a migration' }];
    const asked = question(1, { from_version: 'v3' as Version, to_version: 'v1' as Version, offers, reasons });
    expect(
      rows({ decisions: [asked] })
        .slice(0, 2)
        .map(([button]) => button?.confirm?.text),
    ).toEqual([
      'Roll shop in live back from v3 to v1. Asks because v2 has a migration.',
      'Roll shop in live back from v3 to v2.',
    ]);
    expect(subjectOf(asked)).toBe('Roll shop in live back from v3 to v1, or to v2');
  });

  test('turn the flag on again that was turned off last, also after the incident', () => {
    const off = (name: string, minute: number): Effect => ({
      ...acted,
      kind: 'flag',
      key: `${INCIDENT}.${name}`,
      at: plusSeconds(NOON, 60 * minute),
      flag: { name, on: false },
      service_environment: { service: 'shop' as ServiceName, environment: 'live' as EnvironmentName },
    });
    const effects = [off('new-cart', 2), off('old-cart', 1)];
    const shown = (more: Partial<Story>) =>
      rows(more).flatMap((row) => row.filter(({ button }) => button.verb === 'turn_flag_on'));
    const resolved = incident({ status: 'resolved' });
    for (const more of [{ effects }, { effects, incident: resolved }])
      expect(shown(more)).toMatchObject([
        { text: 'Turn on flag new-cart again', button: { incident: INCIDENT, flag: 'new-cart' } },
      ]);
    const again: Effect = { ...off('new-cart', 3), flag: { name: 'new-cart', on: true, by: 'ada' } };
    const named = (effect: Effect) => shown({ effects: [...effects, effect] }).map(({ text }) => text);
    for (const state of ['intended', 'succeeded', 'superseded'] as const)
      expect(named({ ...again, state })).toEqual(['Turn on flag old-cart again']);
    expect(named({ ...again, state: 'failed' })).toEqual(['Turn on flag new-cart again']);
  });

  test('with a decision: the confirmation repeats its reason', () => {
    const reasons: Reason[] = [
      { code: 'suspect', text: 'v2 finished 3 minutes before' },
      { code: 'migration_in_deploy', text: 'v2 has a migration' },
    ];
    const [first = []] = rows({ decisions: [question(1, { reasons })] });
    expect(first[0]?.confirm?.text).toBe('Roll back from v2 to v1. Asks because v2 has a migration.');
  });

  test('with several decisions distinguish them', () => {
    const asked = rows({ decisions: [question(1), question(2, { question: 'Restart the cache?' })] });
    expect(asked.slice(0, 2).map((row) => row.map(({ text }) => text))).toEqual([
      ['Roll back to v1 (1)', 'Reject (1)'],
      ['Approve (2)', 'Reject (2)'],
    ]);
  });

  test('with paused automation: no approval, which would have no effect', () => {
    const paused = incident({ automation_paused: true });
    expect(verbs({ incident: paused, decisions: [question(1)] }).flat()).not.toContain('approve');
    expect(verbs({ incident: paused }).flat()).toContain('resume');
  });

  test('explain the effect of clearing the deploy', () => {
    const suspected = { incident: incident({ suspects }) };
    const words = (more: Partial<Story>) =>
      rows({ ...suspected, ...more })
        .flat()
        .find(({ button }) => button.verb === 'not_the_deploy')?.confirm?.text;
    expect(words({})).toBe('If v2 is not the cause, Firebreak evaluates the other suspects.');
    expect(words({ decisions: [question(1)] })).toContain('Firebreak withdraws the question about it, and');
    const done = question(1, { state: 'approved' });
    expect(words({ decisions: [done], effects: [acted] })).toContain('counts against the automation of checkout');
    const ofAnother = question(1, { state: 'approved', from_version: 'v1.9' as Version });
    expect(words({ decisions: [ofAnother], effects: [acted] })).not.toContain('counts against');
  });

  test('offer to clear no suspect that is not shown', () => {
    const improbable = suspects.map((one) => ({ ...one, confidence: 0.02 }));
    expect(verbs({ incident: incident({ suspects }) }).flat()).toContain('not_the_deploy');
    expect(verbs({ incident: incident({ suspects: improbable }) }).flat()).not.toContain('not_the_deploy');
  });

  test('offer to suspect the last cleared version again, except withdrawn clearings', () => {
    const one = {
      change_id: `chg_${'0'.repeat(26)}` as ChangeId,
      service: 'checkout' as ServiceName,
      version: 'v2' as Version,
      kind: 'deploy' as const,
      by: 'ada',
      at: NOON,
    };
    const of = (cleared: ClearedSuspect[]) =>
      rows({ incident: incident({ cleared }) })
        .flat()
        .find(({ button }) => button.verb === 'suspect_again');
    expect(of([one])).toMatchObject({ text: 'Suspect v2 again', button: { change: one.change_id } });
    expect(of([{ ...one, restored: { by: 'bo', at: NOON } }])).toBeUndefined();
    expect(of([])).toBeUndefined();
  });

  test('that is resolved: only the details', () => {
    expect(verbs({ incident: incident({ status: 'resolved' }), decisions: [question(1)] })).toEqual([['details']]);
  });
});

describe('after a failed rollback', () => {
  const failed: Effect = {
    ...acted,
    key: `${INCIDENT}.roll-back.1`,
    state: 'failed',
    detail: 'The rollback failed: exit 1',
  };
  const decided = [question(1, { kind: 'roll_back', state: 'final' })];

  test('the same rollback is offered again, for the same versions', () => {
    const [[again] = []] = rows({ decisions: decided, effects: [failed] });
    expect(again).toMatchObject({
      button: { verb: 'rollback', service: 'checkout', environment: 'production', from: 'v2', to: 'v1', named: true },
      text: 'Try again: roll back to v1',
      confirm: { text: expect.stringContaining('The rollback failed: exit 1') as string },
    });
  });

  test.each<[string, Partial<Story>]>([
    ['a question is waiting', { decisions: [...decided, question(2)], effects: [failed] }],
    ['it worked later', { decisions: decided, effects: [failed, { ...acted, key: `${INCIDENT}.roll-back.2` }] }],
    ['it is mitigated', { incident: incident({ status: 'mitigated' }), decisions: decided, effects: [failed] }],
    ['its decision is unknown', { effects: [failed] }],
  ])('but not if %s', (_, of) => {
    expect(verbs(of).flat()).not.toContain('rollback');
  });
});
