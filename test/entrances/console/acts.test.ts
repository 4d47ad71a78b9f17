import { beforeEach, describe, expect, test } from 'vitest';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { ROLES } from '../../../schemas/people/people.ts';
import { consoleWorld, tokenRecord } from '../../support/console-world.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { textOf } from '../../support/hostile.ts';
import { UPDATE_RECORDED } from '../../../core/domain/people/roles.ts';
import { IdempotencyTable } from '../../../core/stores/idempotency.ts';
import { Table } from '../../../core/stores/table.ts';

/* What people do in an incident when Slack is down, with the same use cases: front door of the console. */

const CONFIG = Config.parse({
  ...emptyConfig,
  services: {
    checkout: { environments: { production: { deployer: { kind: 'http', url: 'http://cd.test' } } } },
    cart: { environments: { production: {} } },
  },
  people: {
    people: {
      grace: { name: 'Grace Hopper', roles: ['responder'] },
      ben: { name: 'Ben Okri', roles: ['responder'] },
      vera: { name: 'Vera Rubin', roles: ['viewer'] },
    },
  },
});

let console: ReturnType<typeof consoleWorld>;
let id: IncidentId;

beforeEach(async () => {
  console = consoleWorld(({ store, clock }) => ({ idempotency: new IdempotencyTable(new Table(store), clock) }));
  console.world.config = CONFIG;
  console.tokens.set('ben', tokenRecord('ben', ROLES.responder.actions));
  const place = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
  const declared = { ...place, title: 'Payments fail', severity: 'warning', by: 'ada', trace: 'trace' } as const;
  ({ id } = await console.world.deps.incidents.declare(declared));
});

const send = (action: string, fields: Record<string, string> = {}, token = 'grace') =>
  console.post(`/console/incidents/INC-1/actions/${action}`, fields, { token });

/** Sends a form, and returns the page to which it leads. */
async function act(action: string, fields: Record<string, string> = {}, token = 'grace'): Promise<string> {
  const response = await send(action, fields, token);
  expect([action, response.status]).toEqual([action, 303]);
  return (await console.get(response.headers.get('location') ?? '', { token })).text();
}

/** Presses the button `Undo` of a page. */
async function undo(page: string): Promise<void> {
  const response = await console.undo(page, { token: 'grace' });
  expect([303, 200]).toContain(response.status);
}

/** Presses it after a later change by another person. Returns why nothing was undone. */
async function refusedUndo(page: string, token = 'grace', more: Record<string, string> = {}): Promise<string> {
  const response = await console.undo(page, { token }, more);
  expect(response.status).toBe(409);
  return textOf(await response.text());
}

const view = () => console.world.deps.incidents.view(id);
const said = async () =>
  (await console.world.deps.incidents.timeline(id, { limit: 50 })).items.map(({ actor, text }) => `${actor}: ${text}`);

test('an incident without a health query says what to configure, and one of no known service too', async () => {
  const health = async () =>
    textOf(
      /<section[^>]* id="health"[^]*?<\/section>/.exec(
        await (await console.get('/console/incidents/INC-1', { token: 'grace' })).text(),
      )?.[0] ?? '',
    );
  expect(await health()).toMatch(
    /No health query is configured for checkout in production, .*health\.promql and health\.max.*services\.yaml/,
  );
  const environments = { production: { health: { promql: 'errors', max: 0.01 } } };
  console.world.config = Config.parse({ ...CONFIG, services: { checkout: { environments } } });
  expect(await health()).toMatch(/has no samples yet.*firebreak doctor/);
  console.world.config = Config.parse({ ...CONFIG, services: {} });
  expect(await health()).toMatch(/checkout is not in the catalogue/);
});

describe('in an incident', () => {
  test('a person sends an update to stakeholders', async () => {
    const updates = async (): Promise<string> => {
      const response = await send('update', { text: 'Payments fail; we roll back', next: '30' });
      const shown =
        response.status === 303 ? console.get(response.headers.get('location') ?? '', { token: 'grace' }) : response;
      return textOf(await (await shown).text());
    };
    expect(await updates()).toContain(UPDATE_RECORDED);
    const at = plusSeconds(console.world.clock.now(), 30 * 60);
    expect((await console.world.deps.incidents.read(id))?.handling?.stakeholder_update).toMatchObject({ next_at: at });
    expect(textOf(await (await console.get('/console/incidents/INC-1', { token: 'grace' })).text())).toMatch(
      /Next update by 12:30:00/,
    );
    expect(await said()).toContain('grace: Payments fail; we roll back');
    const refused = await send('update', { text: ' ' });
    const page = await refused.text();
    expect([refused.status, page.includes('aria-describedby="update-text-problem')]).toEqual([422, true]);
  });

  test.each([
    ['note', { text: '' }, 'note-text', 'Write a note.'],
    ['note', { text: '\u200b' }, 'note-text', 'Write a note.'],
    ['note', { text: 'x'.repeat(4001) }, 'note-text', 'Must have at most 4000 characters, not 4001.'],
    ['severity', { severity: 'high' }, 'severity', 'Must be one of critical, warning, info.'],
    ['rollback', { from: 'v2', to: '' }, 'rollback-to', 'Name a version, because none is known to be good.'],
    [
      'rollback',
      { from: 'v2', to: 'v9' },
      'rollback-to',
      'No recent deployment of v9 for checkout in production is recorded',
    ],
  ])('%s with %o says beside its field why it is refused', async (action, fields, field, why) => {
    const started_at = plusSeconds(console.world.clock.now(), -600);
    const place = { service: 'checkout', environment: 'production' };
    for (const change of [
      { ...place, version: 'v1', started_at: plusSeconds(started_at, -600) },
      { ...place, version: 'v2', started_at },
    ])
      await console.world.deps.changes.record(NewChange.parse(change));
    const refused = await send(action, fields);
    const page = await refused.text();
    expect([refused.status, page.includes(`aria-describedby="${field}-problem"`)]).toEqual([422, true]);
    expect(textOf(page)).toContain(why);
  });

  test('the form of a rollback offers the versions that can be restored, those that are known to be good first', async () => {
    const { changes, pins } = console.world.deps;
    const place = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
    const record = async (version: string, minutes: number, kind: 'deploy' | 'rollback' = 'deploy') => {
      const started_at = plusSeconds(console.world.clock.now(), -minutes * 60);
      const { change } = await changes.record(NewChange.parse({ ...place, version, kind, started_at }));
      return change;
    };
    const page = async () => (await console.get('/console/incidents/INC-1', { token: 'grace' })).text();
    const form = async () => /<form[^>]*actions\/rollback"[^]*?<\/form>/.exec(await page())?.[0] ?? '';
    const offered = async (): Promise<string[][]> =>
      [...(await form()).matchAll(/<optgroup label="([^"]*)">([^]*?)<\/optgroup>/g)].map(
        ([, label = '', options = '']) => [
          label,
          ...[...options.matchAll(/<option value="([^"]*)"/g)].map(([, version = '']) => version),
        ],
      );
    await record('v41', 300);
    await record('v42', 60);
    const back = await record('v41', 50, 'rollback');
    await pins.add(
      {
        ...place,
        version: 'v42' as Version,
        incident_id: id,
        reason: 'rolled back',
        pinned_at: console.world.clock.now(),
      },
      back.id,
    );
    expect(await offered()).toEqual([]);
    expect(textOf(await page())).toContain(
      'No version of checkout in production before v41 is known to be good, and no other recorded version can be restored.',
    );
    await record('v39', 900);
    await record('v40', 301);
    expect(await offered()).toEqual([
      ['Known to be good', 'v39'],
      ['Not known to be good', 'v40'],
    ]);
    expect(await form()).toMatch(/<option value="v39" selected/);
  });

  test('a person takes, assigns, hands over, and leaves a role, and undoes each', async () => {
    const roles = async () => (await view())?.roles;
    const shown = await (await console.get(`/console/incidents/INC-1`, { token: 'grace' })).text();
    expect(shown).toMatch(/<option value="ben">Ben Okri \(ben\)<\/option>/);
    expect(shown).not.toContain('<option value="vera">');
    await act('assign', { role: 'scribe', to: ':myself' });
    expect(await roles()).toEqual({ scribe: 'grace' });
    await undo(await act('assign', { role: 'scribe', to: 'ben' }));
    expect(await roles()).toEqual({ scribe: 'grace' });
    await undo(await act('leave', { role: 'scribe' }));
    expect(await roles()).toEqual({ scribe: 'grace' });
    await undo(await act('take-command'));
    expect(await roles()).toEqual({ scribe: 'grace' });
    await act('take-command');
    const handedOver = await act('hand-over', { to: 'ben', brief: 'v2 fails, roll it back' });
    expect(await roles()).toMatchObject({ commander: 'Ben Okri' });
    expect((await said()).some((line) => line.includes('Handed over command to Ben Okri. v2 fails'))).toBe(true);
    await undo(handedOver);
    expect(await roles()).toMatchObject({ commander: 'grace' });
  });

  test('a role goes only to people who may have it, and the form says so beside the field', async () => {
    for (const to of ['vera', 'nobody', '']) {
      const refused = await send('assign', { role: 'scribe', to });
      const page = await refused.text();
      expect([to, refused.status]).toEqual([to, 422]);
      expect(page).toMatch(/<select aria-invalid="true" aria-describedby="assign-to-problem" autofocus id="assign-to"/);
      expect(page).toMatch(/<option selected value="scribe">/);
      expect(page).toMatch(/<details open class="act" id="act-assign">/);
    }
  });

  test('a person clears a suspect and suspects it again', async () => {
    const { change } = await console.world.deps.changes.record(
      NewChange.parse({
        service: 'checkout',
        environment: 'production',
        version: 'v2',
        started_at: console.world.clock.now(),
      }),
    );
    const cleared = await send('clear-suspect', { change: change.id, note: 'Unrelated' });
    const page = await cleared.text();
    expect([cleared.status, textOf(page).includes('v2 is cleared')]).toEqual([200, true]);
    expect((await view())?.cleared).toMatchObject([{ version: 'v2', by: 'grace' }]);
    await undo(page);
    expect((await view())?.cleared[0]?.restored).toMatchObject({ by: 'grace' });
  });

  test('a refused form keeps its input, and a sent one leads to its page, under each address of the page', async () => {
    for (const name of [id, 'INC-1', 'inc-1', '1']) {
      const path = `/console/incidents/${name}`;
      const assign = (to: string) => console.post(`${path}/actions/assign`, { role: 'scribe', to }, { token: 'grace' });
      const refused = await assign('nobody');
      const page = await refused.text();
      expect([name, refused.status]).toEqual([name, 422]);
      expect(page).toContain('aria-describedby="assign-to-problem" autofocus id="assign-to"');
      expect(page).toContain('<option selected value="scribe">');
      const location = (await assign(':myself')).headers.get('location') ?? '';
      expect(location.split('?')[0]).toBe(path);
      const shown = await (await console.get(location, { token: 'grace' })).text();
      expect([shown.includes('Role assigned.'), shown.includes('id="timeline"')]).toEqual([true, true]);
    }
  });

  test('a person aborts, pauses, and resumes automation', async () => {
    await act('abort', { note: 'I take over' });
    expect(await console.world.deps.incidents.read(id)).toMatchObject({ automation_paused: true });
    expect(await said()).toContain('grace: Aborted the pending actions of automation: I take over');
    await undo(await act('resume'));
    expect(await console.world.deps.incidents.read(id)).toMatchObject({ automation_paused: true });
    await undo(await act('severity', { severity: 'critical' }));
    expect(await view()).toMatchObject({ severity: 'warning' });
  });

  test('what another person has changed since is not undone', async () => {
    const severity = await act('severity', { severity: 'critical' });
    await act('severity', { severity: 'info' }, 'ben');
    expect(await refusedUndo(severity)).toContain(
      'Nothing was undone, because of a later change: the severity is info',
    );
    expect(await view()).toMatchObject({ severity: 'info' });

    const assigned = await act('assign', { role: 'scribe', to: ':myself' });
    const left = await act('leave', { role: 'scribe' });
    await act('assign', { role: 'scribe', to: ':myself' }, 'ben');
    expect(await refusedUndo(left)).toContain('later change: ben is scribe now');
    expect((await view())?.roles).toEqual({ scribe: 'ben' });
    expect(assigned).toContain('id="undo"');

    const paused = await act('pause');
    console.world.clock.set(console.world.clock.millis + 1);
    await act('resume', {}, 'ben');
    await act('pause', {}, 'ben');
    expect(await refusedUndo(paused)).toContain('later change: its automation was switched again (pause)');
    expect(await console.world.deps.incidents.read(id)).toMatchObject({ automation_paused: true });
  });

  test('a refusal names the incident by its number', async () => {
    const seq = (await console.world.deps.incidents.read(id))?.seq ?? 0;
    expect(await console.world.deps.incidents.resolve(id, seq, 'ben', 'Over')).toBe('resolved');
    expect(textOf(await (await send('pause')).text())).toContain('INC-1 is resolved.');
  });

  test('a severity that is sent twice is changed once', async () => {
    const sent = { severity: 'critical', form_key: '0'.repeat(32) };
    await Promise.all([act('severity', sent), act('severity', sent)]);
    expect((await said()).filter((line) => line.includes('Changed severity'))).toHaveLength(1);
  });

  test('a text that is too long is refused as too long, and kept', async () => {
    for (const [action, max] of [
      ['update', 3000],
      ['note', 4000],
    ] as const) {
      const text = 'x'.repeat(max + 1);
      const page = await (await send(action, { text })).text();
      expect(textOf(page)).toContain(`Must have at most ${max} characters, not ${max + 1}.`);
      expect(page).toContain(text);
    }
  });

  test('what is undone is an action that the page declares, with its own fields', async () => {
    const page = await (
      await console.get(`/console/incidents/INC-1?done=pause&undo=resolve&undo.note=x`, { token: 'grace' })
    ).text();
    expect(page).toContain('Automation of this incident is paused.');
    expect(page).not.toContain('id="undo"');
  });
});

describe('the kill switch', () => {
  const pause = (fields: Record<string, string>, token = 'ada', action = 'pause') =>
    console.post(`/console/automation/actions/${action}`, fields, { token });

  test('needs a reason and a second step, which repeats what it does', async () => {
    const refused = await pause({ reason: '' });
    expect([refused.status, (await refused.text()).includes('id="pause-reason-problem"')]).toEqual([422, true]);
    const asked = await (await pause({ reason: 'A storm' })).text();
    expect(textOf(asked)).toContain(
      'Pauses automation of all 2 services in every environment until someone resumes it',
    );
    expect(await console.world.deps.automation.read()).toMatchObject({ paused: false });
    const done = await pause({ reason: 'A storm', confirmed: 'yes' });
    expect(done.status).toBe(303);
    expect(await console.world.deps.automation.read()).toMatchObject({ paused: true, reason: 'A storm', by: 'ada' });
    const page = await (await console.get(done.headers.get('location') ?? '', { token: 'ada' })).text();
    expect(textOf(page)).toContain('The kill switch is on, set by ada: A storm. Nothing is rolled back');
    expect(page).toContain('id="undo"');
    expect((await pause({ reason: 'Over', confirmed: 'yes' }, 'ada', 'resume')).status).toBe(303);
    expect(await console.world.deps.automation.read()).toMatchObject({ paused: false });
  });

  test('stays as another person has set it since', async () => {
    const confirmed = { confirmed: 'yes' };
    const pageAfter = async (sent: ReturnType<typeof pause>, token: string) =>
      (await console.get((await sent).headers.get('location') ?? '', { token })).text();
    console.tokens.set('olga', tokenRecord('olga', ROLES.admin.actions));
    const paused = await pageAfter(pause({ reason: 'A storm', ...confirmed }), 'ada');
    console.world.clock.set(console.world.clock.millis + 1);
    await pause({ reason: 'Calm', ...confirmed }, 'olga', 'resume');
    await pause({ reason: 'A second storm', ...confirmed }, 'olga');
    const because = 'olga has paused automation: A second storm';
    for (const step of [{}, confirmed])
      expect(await refusedUndo(paused, 'ada', step)).toContain(`because of a later change: ${because}`);
    const late = await pause({ reason: 'Me, too', ...confirmed });
    expect([late.status, textOf(await late.text()).includes(`Nothing was changed, because ${because}`)]).toEqual([
      409,
      true,
    ]);

    const limited = await pageAfter(pause({ scope: 'cart', environment: '', mode: 'suggest' }, 'ada', 'limit'), 'ada');
    expect(await console.world.deps.automation.read()).toMatchObject({
      paused: true,
      reason: 'A second storm',
      by: 'olga',
    });
    await pause({ scope: 'cart', environment: '', mode: 'shadow' }, 'olga', 'limit');
    expect(await refusedUndo(limited, 'ada')).toContain('because of a later change: the limit is shadow now');
    expect(await console.world.deps.automation.read()).toMatchObject({ services: { cart: { mode: 'shadow' } } });
  });

  test('limits one service without a second step, all services with one', async () => {
    const limit = (fields: Record<string, string>) => pause(fields, 'ada', 'limit');
    expect((await limit({ scope: '', mode: 'suggest' })).status).toBe(422);
    const foreign = await limit({ scope: 'checkout', environment: 'moon', mode: 'suggest' });
    expect([foreign.status, textOf(await foreign.text())]).toEqual([
      422,
      expect.stringContaining('Environment: checkout has only these environments: production.'),
    ]);
    expect((await limit({ scope: 'checkout', environment: '', mode: 'suggest' })).status).toBe(303);
    expect(await console.world.deps.automation.read()).toMatchObject({ services: { checkout: { mode: 'suggest' } } });
    expect((await limit({ scope: '*', environment: '', mode: 'approve' })).status).toBe(200);
    expect(await console.world.deps.automation.read()).toMatchObject({ mode: null });
    expect((await limit({ scope: '*', environment: '', mode: 'approve', confirmed: 'yes' })).status).toBe(303);
    expect(await console.world.deps.automation.read()).toMatchObject({ mode: 'approve' });
  });

  test('is not for those who lack the permission everywhere', async () => {
    expect((await pause({ reason: 'x', confirmed: 'yes' }, 'vera')).status).toBe(403);
    expect((await pause({ reason: 'x' }, 'cora')).status).toBe(403);
  });
});
