import { beforeEach, describe, expect, test } from 'vitest';
import { SessionTable } from '../../../core/stores/access/sessions.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { Table } from '../../../core/stores/table.ts';
import { approvalUrls } from '../../../core/domain/incidents/approval-link.ts';
import { summaryCard } from '../../../core/domain/messages/incident-card.ts';
import { pageNote } from '../../../core/domain/paging/page-note.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { basisPart } from '../../../entrances/console/pages/incidents/question.ts';
import { consoleApp } from '../../../entrances/console/routes.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import { DecisionBasis } from '../../../schemas/incidents/decision-basis.ts';
import { type EnvironmentName, type IncidentId, type ServiceName, Version } from '../../../schemas/config/names.ts';
import { ROLES } from '../../../schemas/people/people.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { fullRequest } from '../../../workflows/steps/page.ts';
import { clear } from '../../core/arbitraries.ts';
import { keys } from '../../../core/stores/keys.ts';
import { put } from '../../../platforms/store.ts';
import { textOf } from '../../support/hostile.ts';
import { FakeWorld, idleEngine } from '../../support/fake-deps.ts';
import { tokenRecord } from '../../support/console-world.ts';

const HOST = 'firebreak.example.com';
const PLACE = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };

const TOKENS = new Map([
  ['ann', tokenRecord('ann', ROLES.approver.actions)],
  ['vera', tokenRecord('vera', ROLES.viewer.actions)],
  ['ci', tokenRecord('ci', ['deployments:write'])],
]);

const secrets = { get: async () => 'admin' };

let world: FakeWorld;
let server: ReturnType<typeof consoleApp>;
let id: IncidentId;

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  server = consoleApp({
    ...world.deps,
    sessions: new SessionTable(new Table(world.store), world.clock, secrets),
    signIn: Object.create(null),
    secrets,
    tokens: Object.assign(Object.create(null), {
      find: async (hash: string) => [...TOKENS].find(([token]) => sha256(token) === hash)?.[1],
    }),
    userCache: Object.assign(Object.create(null), { user: async () => undefined }),
  });
  ({ id } = await world.deps.incidents.declare({
    ...PLACE,
    title: 'Payments fail',
    severity: 'critical',
    by: 'ada',
    trace: 't',
  }));
});

const deps = () => ({ ...world.deps, publicUrl: `https://${HOST}` });

/** Asks whether to roll back, for an hour. Returns the digest of the question. */
async function asks(number = 1): Promise<string> {
  for (const [version, minutesAgo] of [
    ['v1', 600],
    ['v2', 10],
  ] as const) {
    const started_at = plusSeconds(world.clock.now(), -60 * minutesAgo);
    const made = NewChange.parse({ ...PLACE, version, started_at, finished_at: plusSeconds(started_at, 180) });
    await world.deps.changes.record(made);
  }
  const inputs = clear({
    changes: await world.deps.changes.recent(PLACE, 9),
    policy: { mode: 'approve', unknownMigration: 'approve' },
  });
  const kept = await world.deps.decisions.keep(id, number, decide(inputs), inputs, 3600);
  const { digest, state } = kept ?? expect.unreachable();
  expect(state).toBe('waiting');
  return digest;
}

const story = async () => (await world.deps.incidents.story(id, null)) ?? expect.unreachable();

/** Returns the path of the link to the newest question. */
async function linkPath(): Promise<string> {
  const url = [...(await approvalUrls(deps(), await story())).values()].at(-1) ?? expect.unreachable();
  expect(url).toMatch(/^https:\/\/firebreak\.example\.com\/console\/approve\/[\w.-]+$/);
  return new URL(url).pathname;
}

const request = (path: string, cookie: string, more: RequestInit = {}) =>
  server.request(`https://${HOST}${path}`, { headers: { host: HOST, accept: 'text/html', cookie }, ...more });

const send = (path: string, fields: Record<string, string>, cookie = '', headers: Record<string, string> = {}) =>
  request(path, cookie, {
    method: 'POST',
    headers: {
      host: HOST,
      cookie,
      // What browsers send from a page with the policy `no-referrer`.
      origin: 'null',
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: new URLSearchParams(fields).toString(),
  });

async function signedIn(token: string): Promise<{ cookie: string; form_key: string }> {
  const response = await send('/login', { token }, '', { origin: `https://${HOST}` });
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const page = await (await request(`/console/incidents/${id}`, cookie)).text();
  return { cookie, form_key: /name="form_key" value="([0-9a-f]+)"/.exec(page)?.[1] ?? '' };
}

const state = async (number = 1) => world.deps.decisions.state(id, number);

test('everything that shows a question links to it', async () => {
  await asks();
  const url = `https://${HOST}${await linkPath()}`;
  const urls = await approvalUrls(deps(), await story());
  const { incident } = await story();
  const page = await fullRequest(incident, 'key', { number: 1, causes: [], chat: null }, deps());
  expect(page.links?.[0]).toEqual({ href: url, text: 'Approve or reject' });
  expect(page.details?.['approve_or_reject']).toBe(url);
  expect(pageNote(await story(), urls)).toContain(`Approve or reject: ${url}`);
  expect(JSON.stringify(summaryCard(await story(), undefined, urls))).toContain(`"link":"${url}"`);
});

test('without an address of this Firebreak, or without a key, the question is shown without a link', async () => {
  await asks();
  expect(await approvalUrls(world.deps, await story())).toEqual(new Map());
  const failing = { sign: () => Promise.reject(new Error('no secrets')), read: async () => undefined };
  expect(await approvalUrls({ ...deps(), approvalLinks: failing }, await story())).toEqual(new Map());
  expect(JSON.stringify(summaryCard(await story()))).toContain('Approve or reject');
});

test('the page of the incident names the candidates of a question, as the page of the link does', async () => {
  const started_at = plusSeconds(world.clock.now(), -900);
  await world.deps.changes.record(NewChange.parse({ ...PLACE, version: 'pool-size', kind: 'config', started_at }));
  await asks();
  const { cookie } = await signedIn('ann');
  const pages = [`/console/incidents/${id}`, await linkPath()];
  for (const path of pages)
    expect(await (await request(path, cookie)).text()).toMatch(
      /<(?:p|li)>Candidates: deploy v2 of \w+ \(\d+ %\) and config pool-size of \w+ \(\d+ %\)\.<\//,
    );
});

/** Decides something else about the same incident, with other suspects. */
async function judgesAgain(): Promise<void> {
  const started_at = plusSeconds(world.clock.now(), -60);
  await world.deps.changes.record(NewChange.parse({ ...PLACE, version: 'v3', started_at, has_migration: false }));
  const inputs = clear({ changes: await world.deps.changes.recent(PLACE, 9), policy: { mode: 'suggest' } });
  await world.deps.decisions.keep(id, 2, decide(inputs), inputs);
}

describe('what a question is based on', () => {
  const causesOn = async (path: string): Promise<string[]> => {
    const { cookie } = await signedIn('ann');
    const page = await (await request(path, cookie)).text();
    const main = /<main[^]*<\/main>/.exec(page)?.[0] ?? '';
    return [...main.matchAll(/<dt>Cause<\/dt>\s*<dd>\s*<strong class="version">([^<]+)</g)].map(
      ([, version = '']) => version,
    );
  };

  test.each([
    ['its own page', () => linkPath()],
    ['the page of the incident', async () => `/console/incidents/${id}`],
  ])('is shown on %s as it was, whatever a later judgement finds', async (_, pathOf) => {
    await asks();
    await judgesAgain();
    expect((await story()).incident.suspects[0]?.version).toBe('v3');
    expect(await causesOn(await pathOf())).toEqual(['v2']);
  });

  test('says for and against, how old the version is, and what its migrations mean', async () => {
    await asks();
    const { cookie } = await signedIn('ann');
    const page = textOf(await (await request(await linkPath(), cookie)).text());
    expect(page).toMatch(/Cause v2 confidence \d+ %/);
    expect(page).toMatch(/Live since [\d:]+, 7 min ago/);
    expect(page).toMatch(/Migration It was not recorded whether v2 changed the data with a migration/);
    expect(page).toMatch(/ For .+ Against /);
  });

  test.each([
    ['is found by the digest if the decision was stored without it', {}, ['v2']],
    ['is not shown if another decision would follow from its inputs', { digest: 'of another version' }, []],
  ])('%s', async (_, more, causes) => {
    await asks();
    const path = await linkPath();
    const item = await world.store.get(keys.decision(id, 1));
    const { basis: _basis, ...older } = item ?? expect.unreachable();
    await world.store.write([put({ ...older, ...keys.decision(id, 1), ...more })]);
    expect(await causesOn(path)).toEqual(causes);
  });
});

/** Removes what is shown on demand only. */
function withoutDetails(markup: string): string {
  const without = markup.replaceAll(/<details(?:(?!<details)[^])*?<\/details>/g, '');
  return without === markup ? markup : withoutDetails(without);
}

test('the page of the incident shows codes, kinds, and digests on demand only', async () => {
  const digest = await asks();
  const { cookie } = await signedIn('vera');
  const page = await (await request(`/console/incidents/${id}`, cookie)).text();
  const main = /<main[^]*<\/main>/.exec(page)?.[0] ?? '';
  // The field that CI systems send, in the words of a reason.
  const shown = textOf(withoutDetails(main)).replaceAll('has_migration', '');
  expect(shown).toContain('Needs approval');
  expect(shown).not.toMatch(/[a-z]+_[a-z]+/);
  expect(shown).not.toMatch(/\b(?:decision|incident)\.\w+/);
  for (const hidden of [digest.slice(0, 12), id, 'migration_unknown']) {
    expect(shown).not.toContain(hidden);
    expect(textOf(main)).toContain(hidden);
  }
});

describe('a link to a question', () => {
  test('shows what will happen and why, and is approved by one confirmation', async () => {
    const digest = await asks();
    const ann = await signedIn('ann');
    const path = await linkPath();
    const page = await (await request(path, ann.cookie)).text();
    for (const words of [
      'Roll checkout in production back from v2 to v1?',
      'Payments fail',
      'confidence',
      'Other poss',
    ])
      expect(page).toContain(words);
    expect(page).toMatch(/Asks because it is unknown whether v2 has a migration/);
    const done = await send(`${path}/actions/approve`, { form_key: ann.form_key, digest }, ann.cookie);
    expect([done.status, done.headers.get('location')]).toEqual([303, `${path}?done=approve`]);
    expect(await state()).toBe('approved');
    const after = await (await request(`${path}?done=approve`, ann.cookie)).text();
    expect(after).toMatch(/This question is closed: approved by ann/);
    expect(after).not.toContain('name="digest"');
  });

  test('can be rejected', async () => {
    const digest = await asks();
    const ann = await signedIn('ann');
    const path = await linkPath();
    expect((await send(`${path}/actions/reject`, { form_key: ann.form_key, digest }, ann.cookie)).status).toBe(303);
    expect(await state()).toBe('rejected');
  });

  test('asks who is there, and returns to the question', async () => {
    await asks();
    const path = await linkPath();
    const response = await request(path, '');
    expect([response.status, response.headers.get('location')]).toEqual([
      302,
      `/login?next=${encodeURIComponent(path)}`,
    ]);
    const signed = await send('/login', { token: 'ann', next: path }, '', { origin: `https://${HOST}` });
    expect(signed.headers.get('location')).toBe(path);
  });

  test('changes nothing when it is opened, by anyone and in any way', async () => {
    await asks();
    const ann = await signedIn('ann');
    const path = await linkPath();
    for (const cookie of ['', ann.cookie])
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT'])
        for (const tail of ['', '/actions/approve', '/actions/reject', '?done=approve'])
          for (const headers of [
            {},
            { purpose: 'prefetch', 'sec-purpose': 'prefetch' },
            { accept: 'text/event-stream' },
          ])
            await request(`${path}${tail}`, cookie, {
              method,
              headers: { host: HOST, accept: 'text/html', cookie, ...headers },
            });
    expect(await state()).toBe('waiting');
    expect((await story()).timeline.filter(({ entry }) => entry.actor === 'ann')).toEqual([]);
  });

  test('is not sent to other sites, not stored, and not indexed', async () => {
    await asks();
    const ann = await signedIn('ann');
    for (const cookie of ['', ann.cookie]) {
      const { headers } = await request(await linkPath(), cookie);
      expect([headers.get('referrer-policy'), headers.get('x-robots-tag')]).toEqual([
        'no-referrer',
        'noindex, nofollow',
      ]);
      if (cookie !== '') expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  test('does nothing after it has expired, but shows the outcome', async () => {
    const digest = await asks();
    const path = await linkPath();
    world.clock.set(world.clock.millis + 3601_000);
    const ann = await signedIn('ann');
    expect(await (await request(path, ann.cookie)).text()).toContain('This link has expired');
    const late = await send(`${path}/actions/approve`, { form_key: ann.form_key, digest }, ann.cookie);
    expect([late.status, await state()]).toEqual([409, 'waiting']);
    await world.deps.decisions.expire(id, 1);
    expect(await (await request(path, ann.cookie)).text()).toContain('expired without an answer');
  });

  test('that was changed is refused without a word about the incident', async () => {
    const digest = await asks();
    const ann = await signedIn('ann');
    const path = await linkPath();
    const changed = [
      path.replace(/-1\./, '-2.'),
      `${path.slice(0, -1)}${path.endsWith('A') ? 'B' : 'A'}`,
      '/console/approve/x',
    ];
    for (const wrong of changed) {
      const page = await request(wrong, ann.cookie);
      expect([page.status, (await page.text()).includes('Payments')]).toEqual([404, false]);
      expect((await send(`${wrong}/actions/approve`, { form_key: ann.form_key, digest }, ann.cookie)).status).toBe(404);
    }
    expect(await state()).toBe('waiting');
  });

  test('answers its own question only', async () => {
    await asks();
    const path = await linkPath();
    const other = await asks(2);
    const ann = await signedIn('ann');
    const refused = await send(`${path}/actions/approve`, { form_key: ann.form_key, digest: other }, ann.cookie);
    expect([refused.status, await state(1), await state(2)]).toEqual([409, 'waiting', 'waiting']);
    expect(await refused.text()).toContain('This link belongs to another question');
  });

  test('used twice acts once', async () => {
    const digest = await asks();
    const ann = await signedIn('ann');
    const path = await linkPath();
    const answer = () => send(`${path}/actions/approve`, { form_key: ann.form_key, digest }, ann.cookie);
    expect((await answer()).status).toBe(303);
    expect(await (await answer()).text()).toContain('Nothing has changed: ann has already approved it.');
    expect((await story()).timeline.filter(({ entry }) => entry.kind === 'decision.approved')).toHaveLength(1);
    expect(await (await request(path, ann.cookie)).text()).toContain('approved by ann');
  });

  test('is refused to a viewer, and asks a program without permission for nothing', async () => {
    const digest = await asks();
    const vera = await signedIn('vera');
    const path = await linkPath();
    const page = await (await request(path, vera.cookie)).text();
    expect(page).toMatch(/You don(&#39;|')t have permission to answer/);
    expect(page).not.toContain('name="digest"');
    for (const name of ['approve', 'reject'])
      expect((await send(`${path}/actions/${name}`, { form_key: vera.form_key, digest }, vera.cookie)).status).toBe(
        403,
      );
    const { status } = await server.request(`https://${HOST}${path}`, {
      headers: { host: HOST, authorization: 'Bearer ci' },
    });
    expect([status, await state()]).toEqual([403, 'waiting']);
  });

  test('needs a form of the same session', async () => {
    const digest = await asks();
    const ann = await signedIn('ann');
    const path = `${await linkPath()}/actions/approve`;
    const fields = { form_key: ann.form_key, digest };
    expect((await send(path, { digest }, ann.cookie)).status).toBe(403);
    expect((await send(path, fields)).status).toBe(401);
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }])
      expect((await send(path, fields, ann.cookie, headers)).status).toBe(403);
    expect(await state()).toBe('waiting');
  });

  test('that was answered elsewhere in the meantime shows how', async () => {
    const digest = await asks();
    const ann = await signedIn('ann');
    const path = await linkPath();
    await world.deps.decisions.answer(id, digest, 'rejected', 'grace', '');
    const late = await send(`${path}/actions/approve`, { form_key: ann.form_key, digest }, ann.cookie);
    expect([late.status, await state()]).toEqual([409, 'rejected']);
    expect(await late.text()).toContain('rejected by grace');
  });
});

describe('a question counts as seen', () => {
  const handling = async () => (await world.deps.incidents.read(id))?.handling?.seen;

  test.each([
    ['its own page', () => linkPath()],
    ['the page of its incident', async () => `/console/incidents/${id}`],
  ])('when a person who may answer opens %s', async (_, pathOf) => {
    const ann = await signedIn('ann');
    await asks();
    await request(await pathOf(), ann.cookie);
    expect(await handling()).toEqual({ by: 'ann', at: world.clock.now() });
  });

  test('not by a preview, a viewer, a program, an open page that asks for changes, or without a question', async () => {
    const [ann, vera] = [await signedIn('ann'), await signedIn('vera')];
    await request(`/console/incidents/${id}`, ann.cookie);
    await asks();
    for (const path of [await linkPath(), `/console/incidents/${id}`]) {
      await request(path, '');
      await request(path, vera.cookie);
      await request(path, '', { headers: { host: HOST, accept: 'text/html', authorization: 'Bearer ann' } });
      await request(path, ann.cookie, { headers: { host: HOST, accept: 'text/event-stream', cookie: ann.cookie } });
    }
    expect(await handling()).toBeUndefined();
  });
});

test('names the service of a cause that is another one', async () => {
  const basis = DecisionBasis.parse({
    suspects: [
      {
        change_id: `chg_${'2'.repeat(26)}`,
        version: 'p2',
        service: 'payments',
        confidence: 0.9,
        reasons: ['near'],
      },
      { change_id: `chg_${'1'.repeat(26)}`, version: 'v2', confidence: 0.2, reasons: ['near'] },
    ],
    change: null,
    migrations: null,
  });
  await asks();
  const asked = (await story()).decisions.at(-1) ?? expect.unreachable();
  const shown = textOf(
    String(await basisPart({ ...asked, from_version: Version.parse('p2') }, basis, world.clock.now())),
  );
  expect(shown).toMatch(/Cause payments p2 confidence 90 %.*Other possible causes: v2 20 %/);
});
