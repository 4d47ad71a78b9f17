import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, type AlertOptions, group, minutesAgo } from '../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';
import { standInNote } from '../../domain/vendors.ts';

const RUNBOOKS = {
  'flag-off.md': `---
title: Checkout flag regression
match: { runbook: flag-off }
inputs:
  flag: { default: new-basket }
steps:
  - id: say
    uses: note
    with: { text: "switching \${{ inputs.flag }} off for \${{ incident.service }}" }
  - id: off
    uses: flag.disable
    with: { flag: "\${{ inputs.flag }}" }
    timeout: 5m
  - id: watch
    uses: wait
    with: { for: 2m }
  - id: told
    when: steps.off.status == "succeeded" && incident.severity == "critical"
    uses: slack.post
    with: { text: "\${{ inputs.flag }} is off" }
  - id: never
    when: steps.off.status == "failed"
    uses: note
    with: { text: never }
---
# What this means
Words for people.
`,
  'asks.md': `---
title: Ask before the flag
match: { runbook: asks }
steps:
  - id: off
    uses: flag.disable
    with: { flag: search-ranking }
    approval: true
    timeout: 5m
---
Ask first.
`,
  'back.md': `---
title: Back where it began
match: { runbook: back }
undo: reverse
steps:
  - id: on
    uses: flag.enable
    with: { flag: spare-path }
    timeout: 5m
  - id: hook
    uses: http
    with: { method: POST, url: "http://127.0.0.1:9/nobody" }
    irreversible: true
    timeout: 30s
    onFailure: undo
---
Back.
`,
  'rolls-back.md': `---
title: Takes the deploy back
match: { runbook: rolls-back }
steps:
  - id: back
    uses: rollback
    irreversible: true
    timeout: 10m
  - id: after
    when: steps.back.status == "succeeded"
    uses: note
    with: { text: "back at \${{ steps.back.output.to_version }}" }
---
Back.
`,
  'asks-back.md': `---
title: Ask before the deploy is taken back
match: { runbook: asks-back }
steps:
  - id: back
    uses: rollback
    approval: { timeout: 20h }
    timeout: 10m
  - id: after
    uses: note
    with: { text: "it \${{ steps.back.status }}" }
---
Back.
`,
};

/** A rollback of one of these is wanted, against which what fails beside it would speak. */
const ALONE: ReadonlySet<string> = new Set(['cart', 'bag', 'box']);
const environmentOf = (service: string): string => (ALONE.has(service) ? `${service}-prod` : 'production');

const inMode = (mode: string, environment = 'production') => ({
  environments: {
    [environment]: {
      deployer: { kind: 'http' },
      flags: { kind: 'launchdarkly', project: 'default' },
      autoRollback: { mode },
    },
  },
});

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      basket: inMode('act'),
      search: inMode('act'),
      path: inMode('act'),
      cart: inMode('act', environmentOf('cart')),
      quiet: inMode('shadow'),
      bag: inMode('approve', environmentOf('bag')),
      box: inMode('act', environmentOf('box')),
    },
    configFiles: EACH_ALONE,
    runbooks: RUNBOOKS,
  });
});
afterAll(() => firebreak?.remove());

/** An alert that names its runbook and asks for nothing else. */
const fires = async (service: string, runbook: string, more: AlertOptions = {}) => {
  const one = alert({
    fingerprint: `${service}-${runbook}`,
    ...more,
    labels: { service, environment: environmentOf(service), action: '', runbook, ...more.labels },
  });
  const { status } = await firebreak.post('/v1/alerts/alertmanager', group([one]));
  expect(status).toBe(202);
};

const flag = async (name: string, on: boolean) => {
  const { status } = await firebreak.put('/sandbox/launchdarkly/flags', { flag: name, environment: 'production', on });
  expect(status).toBe(200);
};

const isOn = async (name: string): Promise<boolean> => {
  const { body } = await firebreak.get('/sandbox/launchdarkly/flags');
  return body.items.find((each: { flag: string }) => each.flag === name).on;
};

const incidentOf = (name: string): Promise<any> =>
  eventually(
    async () => (await firebreak.get(`/v1/incidents?service=${name}`)).body.items[0],
    `an incident of ${name}`,
  );

const timelineOf = async (id: string): Promise<{ kind: string; text: string; actor: string }[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items.toReversed();

const seen = async (id: string, kind: string) =>
  eventually(
    async () => (await timelineOf(id)).find((entry) => entry.kind === kind),
    `${kind} on the timeline, where there is ${JSON.stringify((await timelineOf(id)).map((entry) => entry.kind))}`,
  );

const told = async (id: string): Promise<string[]> =>
  (await timelineOf(id))
    .filter(({ kind }) => /^(runbook|flag|http)\./.test(kind))
    .map(({ kind, text }) => `${kind}: ${text}`);

const deploys = async (service: string) => {
  for (const [version, minutes] of [
    ['v1', 300],
    ['v2', 5],
  ] as const) {
    const deployment = { service, environment: environmentOf(service), version, has_migration: false };
    await firebreak.post('/v1/deployments', {
      ...deployment,
      started_at: minutesAgo(minutes + 2),
      finished_at: minutesAgo(minutes),
    });
  }
};

describe('a runbook that an alert names', () => {
  test('is followed step by step, with what its expressions come to, and told on the timeline', async () => {
    await flag('new-basket', true);
    await fires('basket', 'flag-off');
    const { id } = await incidentOf('basket');
    await seen(id, 'runbook.finished');
    expect(await told(id)).toEqual([
      expect.stringMatching(
        /^runbook\.started: Follows the runbook "Checkout flag regression" \(flag-off, version \w+\)/,
      ),
      'runbook.step_succeeded: say: switching new-basket off for basket',
      `flag.started: Flag new-basket is switched off${standInNote('flag')}`,
      `flag.succeeded: off: Flag new-basket is switched off${standInNote('flag')}`,
      'runbook.said: new-basket is off',
      'runbook.step_succeeded: told: said in the incident’s channel',
      'runbook.step_skipped: never: not done: steps.off.status == "failed" is not true',
      'runbook.left: Not as it was before: the flag new-basket is still off; switch it on again once that is safe',
      'runbook.finished: The runbook "Checkout flag regression" is finished: 4 of 5 steps done, 1 skipped',
    ]);
    expect(await isOn('new-basket')).toBe(false);
  });

  test('is a mitigation: whether it has helped is judged at the end of the window', async () => {
    const { id } = await incidentOf('basket');
    expect((await firebreak.get(`/v1/incidents/${id}`)).body.status).toBe('mitigated');
    const entries = await timelineOf(id);
    await seen(id, 'verification.inconclusive');
    expect(entries.filter(({ kind }) => kind === 'flag.started')).toHaveLength(1);
  });

  test('asks a person where it says so, and does it once somebody is for it', async () => {
    await flag('search-ranking', true);
    await fires('search', 'asks');
    const { id } = await incidentOf('search');
    const question = await eventually(
      async () =>
        (await firebreak.get(`/v1/incidents/${id}`)).body.decisions.find((one: any) => one.because === 'runbook_asks'),
      'the question',
    );
    expect(question).toMatchObject({ kind: 'approve', state: 'waiting', target: { service: 'search' } });
    expect(await isOn('search-ranking')).toBe(true);
    const { status } = await firebreak.post(`/v1/incidents/${id}/actions/approve`, { digest: question.digest });
    expect(status).toBe(200);
    await seen(id, 'runbook.finished');
    expect(await isOn('search-ranking')).toBe(false);
  });

  test('goes back to where it began when a step fails, and says so', async () => {
    await flag('spare-path', false);
    await fires('path', 'back');
    const { id } = await incidentOf('path');
    const { text } = await seen(id, 'runbook.failed');
    expect(text).toContain('step hook');
    expect((await told(id)).filter((line) => line.startsWith('flag.'))).toEqual([
      `flag.started: Flag spare-path is switched on${standInNote('flag')}`,
      `flag.succeeded: on: Flag spare-path is switched on${standInNote('flag')}`,
      `flag.started: Flag spare-path is switched off${standInNote('flag')}`,
      `flag.succeeded: take back: on: Flag spare-path is switched off${standInNote('flag')}`,
    ]);
    expect(await isOn('spare-path')).toBe(false);
  });

  test('asks for the rollback that the alert does not ask for, and goes on with how it ended', async () => {
    await deploys('cart');
    await fires('cart', 'rolls-back');
    const { id } = await incidentOf('cart');
    await seen(id, 'runbook.finished');
    expect(await told(id)).toContain('runbook.step_succeeded: after: back at v1');
    const { decisions } = (await firebreak.get(`/v1/incidents/${id}`)).body;
    expect(decisions.map(({ kind }: { kind: string }) => kind)).toContain('roll_back');
    expect((await firebreak.calls('cd')).filter(({ body }) => body?.service === 'cart')).toHaveLength(1);
  });

  test.each([
    ['bag', 'approve', ['runbook_asks', 'mode_approve']],
    ['box', 'act', ['runbook_asks']],
  ])('asks once before that rollback, and about its versions: %s in mode %s', async (service, _, because) => {
    await deploys(service);
    await fires(service, 'asks-back');
    const { id } = await incidentOf(service);
    const asked = async (): Promise<any[]> =>
      (await firebreak.get(`/v1/incidents/${id}`)).body.decisions.filter(({ kind }: any) => kind === 'approve');
    const [question] = await eventually(async () => {
      const found = await asked();
      return found.length > 0 && found;
    }, 'the question');
    expect(question).toMatchObject({ state: 'waiting', from_version: 'v2', to_version: 'v1' });
    expect(question.reasons.map(({ code }: any) => code)).toEqual(expect.arrayContaining(because));
    const { status } = await firebreak.post(`/v1/incidents/${id}/actions/approve`, { digest: question.digest });
    expect(status).toBe(200);
    await seen(id, 'runbook.finished');
    expect(await told(id)).toContain('runbook.step_succeeded: after: it succeeded');
    expect(await asked()).toHaveLength(1);
    expect((await firebreak.calls('cd')).filter(({ body }) => body?.service === service)).toHaveLength(1);
  });

  test('changes nothing where the service is in shadow, and says what it would have done', async () => {
    await flag('new-basket', true);
    await fires('quiet', 'flag-off');
    const { id } = await incidentOf('quiet');
    await seen(id, 'runbook.finished');
    expect(await told(id)).toContain('runbook.step_skipped: off: not done: automation is in mode shadow');
    expect(await isOn('new-basket')).toBe(true);
  });
});

describe('the set of runbooks', () => {
  test('that is wrong leaves the last good one in force, and is said with file, line and what is wrong', async () => {
    const good = RUNBOOKS['asks.md'];
    await firebreak.writeRunbook('asks.md', good.replace('uses: flag.disable', 'uses: flag.disabel'));
    const { body } = await eventually(async () => {
      const answer = await firebreak.get('/readyz');
      return JSON.stringify(answer.body).includes('asks.md') && answer;
    }, 'the problem at readyz');
    expect(JSON.stringify(body)).toMatch(/asks\.md:6: .*flag\.disable/);
    await firebreak.writeRunbook('asks.md', good);
    await eventually(
      async () => !JSON.stringify((await firebreak.get('/readyz')).body).includes('asks.md'),
      'no problem',
    );
  });

  test('a running incident keeps the version that it began with', async () => {
    const { id } = await incidentOf('basket');
    const [before] = await told(id);
    await firebreak.writeRunbook('flag-off.md', RUNBOOKS['flag-off.md'].replace('Checkout flag regression', 'Renamed'));
    await fires('basket', 'flag-off', { fingerprint: 'another' });
    expect((await told(id))[0]).toBe(before);
    expect((await told(id)).filter((line) => line.startsWith('runbook.started'))).toHaveLength(1);
  });
});
