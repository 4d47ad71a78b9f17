import { beforeEach, describe, expect, test } from 'vitest';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { ADA, buttonsIn, ChatWorld } from './chat-world.ts';

const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

let chat: ChatWorld;
let id: IncidentId;

beforeEach(async () => {
  chat = new ChatWorld();
  id = await chat.incident();
});

async function deployed(version: string, minutesAgo: number, more: object = {}): Promise<void> {
  const started_at = plusSeconds(chat.world.clock.now(), -60 * minutesAgo);
  await chat.deps.changes.record(
    NewChange.parse({ ...serviceEnvironment, version, started_at, finished_at: started_at, ...more }),
  );
}

describe('rollbacks in Slack', () => {
  test.each([
    ['stagin', 'Did you mean /rollback checkout staging\\?'],
    ['produ', 'Did you mean /rollback checkout production\\?'],
    ['v9', 'Environments: production, staging; versions: v1\\.'],
  ])(
    'of %s, which is neither an environment nor a version, are refused instead of applied to production',
    async (word, said) => {
      const neither = new RegExp(
        `^checkout has no environment "${word}", and no version "${word}" is recorded in .*${said}`,
      );
      if (word !== 'v9') expect(await chat.says(ADA, '/rollback', `checkout ${word}`)).toMatch(neither);
      await deployed('v1', 600);
      await deployed('v2', 300);
      expect(await chat.says(ADA, '/rollback', `checkout ${word}`)).toMatch(neither);
      expect(buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] })).toEqual([]);
    },
  );

  test('have a list of deployments, which refuses an unknown environment', async () => {
    await deployed('v1', 600);
    expect(await chat.says(ADA, '/deploys', 'checkout produ')).toBe(
      'checkout has no environment "produ"; it has production, staging. Did you mean "production"? Nothing was done.',
    );
    await deployed('v1', 300, { environment: 'canary' });
    expect(await chat.says(ADA, '/deploys', 'checkout canary')).toMatch(/^Deployments of checkout in canary/);
  });

  test('take services and environments in any letter case', async () => {
    await deployed('v1', 600);
    await deployed('v2', 300);
    expect(await chat.says(ADA, '/deploys', 'Checkout PRODUCTION')).toMatch(/^Deployments of checkout in production/);
    for (const words of ['Checkout PRODUCTION v1', 'Checkout', 'checkout Production'])
      expect(await chat.says(ADA, '/rollback', words)).toContain('would go back to v1');
    expect(await chat.says(ADA, '/rollback', 'checkout Staging')).toMatch(
      /^checkout in staging has no deployer in services\.yaml/,
    );
  });

  test('to a named version show the known facts about it, and are executed only by the button', async () => {
    await deployed('v1', 600);
    await deployed('v2', 300, { rollback_safe_to: 'v1' });
    await deployed('v3', 10, { has_migration: true });
    const answer = await chat.says(ADA, '/rollback', 'checkout production v1');
    expect(answer).toContain('The rollback would go back to v1, which undoes v2 (deploy), v3 (deploy).');
    expect(answer).toMatch(/v1 last ran from 2026-.* UTC until 2026-.* UTC, for 5 hours, without known problems\./);
    expect(answer).toContain('⚠️ v3 has a migration, so the old version may not work with the migrated data.');
    expect(answer).toContain('⚠️ The newest version known to be good is v2.');
    expect(answer).toContain('v2 can be rolled back no further than v1.');
    const [button] = buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] });
    expect(button).toEqual({ verb: 'rollback', ...serviceEnvironment, from: 'v3', to: 'v1', named: true });
    const confirm = chat.sent.at(-1)?.message.parts.flatMap((part) => (part.kind === 'buttons' ? part.buttons : []))[0];
    expect(confirm?.confirm?.text).toMatch(
      /^checkout in production: roll back from v3 to v1\. v3 has a migration.*\.$/,
    );
    if (button === undefined) return;
    expect(await chat.presses(ADA, button)).toMatch(/^The rollback of v3 to v1 was requested, and starts/);
    expect(chat.timeline(id)).toEqual([`slack:${ADA}: Requested a rollback to v1`]);
    const mail = chat.world.store.dossiers.get(id)?.inbox.at(-1)?.message;
    expect(mail).toEqual({ kind: 'rollback', by: `slack:${ADA}`, note: '', from: 'v3', to: 'v1' });
  });

  test('to an impossible version are refused with the reason', async () => {
    await deployed('v1.0', 600);
    await deployed('v1.1', 300);
    await deployed('v2.0', 200, { status: 'failed' });
    await deployed('v3.0', 10, { rollback_safe_to: 'v1.1' });
    const asks = (version: string) => chat.says(ADA, '/rollback', `checkout production ${version}`);
    expect(await asks('v1.2')).toBe(
      'No recent deployment of v1.2 for checkout in production is recorded; available versions: v1.1, v1.0. Nothing was done.',
    );
    expect(await asks('v3.0')).toBe('v3.0 is already running for checkout in production. Nothing was done.');
    expect(await asks('v2.0')).toMatch(/has succeeded, so it has never run there\. Nothing was done\.$/);
    expect(await asks('v1.0')).toMatch(
      /^v3.0 can be rolled back no further than v1\.1, and v1\.0 is older\. Nothing was done\.$/,
    );
    expect(chat.timeline(id)).toEqual([]);
  });

  test.each(['"6.4 (1111111)"', '6.4 (1111111)', '1111111'])(
    'to %s, a commit whose name means another one now, warn before they are requested',
    async (typed) => {
      await deployed('6.4', 600, { commit: '1'.repeat(40) });
      await deployed('6.4', 300, { commit: '2'.repeat(40) });
      await deployed('6.5', 100, { commit: '3'.repeat(40) });
      const answer = await chat.says(ADA, '/rollback', `checkout production ${typed}`);
      expect(answer).toContain('The rollback would go back to 6.4 (1111111)');
      expect(answer).toContain(
        '⚠️ The deploying system knows 6.4 (1111111) as 6.4, which now means the commit 2222222.',
      );
      const [button] = buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] });
      if (button === undefined) throw new Error('no button');
      expect(button).toMatchObject({ to: '6.4 (1111111)', moved_known: true });
      await chat.presses(ADA, button);
      const mail = chat.world.store.dossiers.get(id)?.inbox.at(-1)?.message;
      expect(mail).toMatchObject({ kind: 'rollback', to: '6.4 (1111111)', moved_known: true });
    },
  );

  test('to a commit of a branch warn if the CD system knows only its name', async () => {
    await deployed('6.4', 600, { commit: '1'.repeat(40) });
    await deployed('6.4', 300, { commit: '2'.repeat(40) });
    await deployed('6.5', 10, { commit: '3'.repeat(40) });
    expect(await chat.says(ADA, '/rollback', 'checkout production 6.4 (2222222)')).toContain(
      '⚠️ The deploying system knows 6.4 (2222222) only as 6.4, which was deployed with several commits.',
    );
  });

  test('to the name of several commits list them', async () => {
    await deployed('6.4', 600, { commit: '1'.repeat(40) });
    await deployed('6.4', 300, { commit: '2'.repeat(40) });
    await deployed('6.5', 10, { commit: '3'.repeat(40) });
    for (const where of ['checkout production 6.4', 'checkout 6.4'])
      expect(await chat.says(ADA, '/rollback', where)).toBe(
        '6.4 means several versions of checkout in production: name one of 6.4 (2222222), 6.4 (1111111). Nothing was done.',
      );
  });

  test('to a pinned version are refused, also if it was pinned after the plan was shown', async () => {
    await deployed('v1', 600);
    await deployed('v2', 300);
    await deployed('v3', 10);
    const named = {
      verb: 'rollback',
      ...serviceEnvironment,
      from: 'v3' as Version,
      to: 'v1' as Version,
      named: true,
    } as const;
    const pinned_at = chat.world.clock.now();
    const pin = { ...serviceEnvironment, version: 'v1' as Version, incident_id: id, reason: 'rolled back', pinned_at };
    await chat.world.deps.pins.add(pin, 'chg_another' as ChangeId);
    expect(await chat.says(ADA, '/rollback', 'checkout production v1')).toMatch(/^v1 is pinned as known bad/);
    expect(await chat.presses(ADA, named)).toMatch(/^Superseded: v1 is pinned as known bad .* Nothing was done\.$/);
    expect(chat.timeline(id)).toEqual([]);
  });

  test('after a rollback go further back, and forward only to a named version, with a warning', async () => {
    for (const [version, ago] of [
      ['c1', 600],
      ['c2', 500],
      ['c3', 400],
      ['c4', 300],
    ] as const)
      await deployed(version, ago, { has_migration: version === 'c4' });
    await deployed('c5', 200);
    await deployed('c2', 5, { kind: 'rollback' });
    const back = await chat.says(ADA, '/rollback', 'checkout production');
    expect(back).toContain(
      'The rollback would go back to c1, which undoes c2 (deploy); c3, c4, c5 were already undone.',
    );
    expect(back).toContain('⚠️ c4 has a migration');
    const forward = await chat.says(ADA, '/rollback', 'checkout production c4');
    expect(forward).toContain('The rollback would go forward to c4, because c2 is running after a rollback.');
    expect(forward).toContain('⚠️ c4 is newer than c2, which is running after a rollback, so this is a roll-forward.');
  });

  test('without a version that is known to be good are possible to a named version', async () => {
    await deployed('v1', 25);
    await deployed('v2', 10);
    expect(await chat.says(ADA, '/rollback', 'checkout production')).toMatch(
      /^No version of checkout in production before v2 is known to be good: name the version to roll back to, as in .*\/rollback checkout production VERSION/,
    );
    expect(await chat.says(ADA, '/rollback', 'checkout production v1')).toMatch(/⚠️ v1 ran too briefly/);
  });
});
