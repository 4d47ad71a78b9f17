import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../../../test/entrances/cli/support.ts';
import { ADMIN_TOKEN, Firebreak } from '../../../test/support/firebreak.ts';

const SECRET = 'github-webhook-secret';

let firebreak: Firebreak;
let id: string;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    // The sweeper drafts within a second of the resolution.
    timeScale: 60,
    services: { checkout: { team: 'payments', environments: { production: null } } },
    env: { GITHUB_WEBHOOK_SECRET: SECRET },
    configFiles: {
      'people.yaml': 'people: { nora: { name: Nora Quist } }',
      'postmortems.yaml': [
        'trackers: [{ teams: [payments], create: requested, github: { repository: acme/checkout } }]',
        'publish: [{ services: [checkout], github: { repository: acme/post-mortems, path: "incidents/{id}.md" } }]',
      ].join('\n'),
    },
  });
  id = await declared('Orders <b>fail</b> @all', 'critical');
  await firebreak.post(`/v1/incidents/${id}/timeline`, { text: 'Nora Quist restarted the database' });
});
afterAll(() => firebreak.remove());

async function declared(title: string, severity: string, environment = 'production'): Promise<string> {
  const { status, body } = await firebreak.post('/v1/incidents', { service: 'checkout', environment, title, severity });
  expect(status).toBe(201);
  return body.id;
}

const postmortem = (path = id) => firebreak.get(`/v1/incidents/${path}/postmortem`);
const put = (body: object, headers: Record<string, string> = {}) =>
  firebreak.request('PUT', `/v1/incidents/${id}/postmortem`, body, {
    authorization: `Bearer ${ADMIN_TOKEN}`,
    ...headers,
  });

/** Sends or reads Markdown. */
async function markdown(
  method: 'GET' | 'PUT',
  text?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  query = '',
) {
  const answer = await fetch(`${firebreak.url}/v1/incidents/${id}/postmortem${query}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      accept: 'text/markdown',
      ...(text !== undefined && { 'content-type': 'text/markdown; charset=utf-8' }),
      ...headers,
    },
    ...(text !== undefined && { body: text }),
  });
  const type = answer.headers.get('content-type') ?? '';
  return { status: answer.status, type, etag: answer.headers.get('etag'), text: await answer.text() };
}

describe('the post-mortem of an incident', () => {
  test('is shown while the incident is open, and cannot be saved', async () => {
    const { status, body } = await postmortem();
    expect([status, body.state, body.revision, body.need]).toEqual([200, 'none', 0, 'required']);
    expect(await put({ state: 'draft' })).toMatchObject({ status: 409, body: { code: 'incident-open' } });
  });

  test('is drafted once after the incident is resolved, with an entry on the timeline', async () => {
    await firebreak.post(`/v1/incidents/${id}/actions/resolve`, {});
    await expect.poll(async () => (await postmortem()).body.state).toBe('draft');
    const { body } = await postmortem();
    expect(body).toMatchObject({
      revision: 1,
      updated_by: 'firebreak',
      severity: 'SEV1',
      service: 'checkout',
      published_at: null,
      title: expect.stringMatching(/^checkout outage — \d{4}-\d\d-\d\d$/),
    });
    expect(body.markdown).toContain('Orders \\<b\\>fail\\</b\\> @all');
    expect(body.markdown).toContain('a responder restarted the database');
    expect(body.markdown).not.toContain('Nora');
    await expect
      .poll(async () => {
        const { items } = (await firebreak.get(`/v1/incidents/${id}/timeline`)).body;
        return items.filter(({ kind }: { kind: string }) => kind === 'postmortem.drafted').length;
      })
      .toBe(1);
  });

  test('is Markdown in, and the same Markdown out', async () => {
    const text =
      '# Ours\r\n\n## Summary\nNora should have known [E99]. \u{1F525}\n\n```\n## no section\n```\n## Action items\n- [ ] Alert sooner (owner: payments, due: 2020-01-01, P2)\n- [ ] Test the restore';
    const saved = await markdown('PUT', text, { 'if-match': '"1"' });
    expect(saved).toMatchObject({ status: 200, etag: '"2"', text });
    expect(saved.type).toBe('text/markdown; charset=utf-8');
    expect((await markdown('GET')).text).toBe(text);
    const { body } = await postmortem();
    expect(body.sections.map(({ heading }: { heading: string }) => heading)).toEqual(['Summary', 'Action items']);
    expect(body.findings.map(({ line, code }: { line: number; code: string }) => [line, code])).toEqual([
      [4, 'blame'],
      [4, 'unknown_citation'],
      [11, 'no_owner'],
      [11, 'no_due_date'],
    ]);
    expect((await markdown('GET', undefined, {}, '?revision=1')).text).toContain('checkout outage');
    expect((await markdown('GET', undefined, {}, '?revision=9')).status).toBe(404);
  });

  test('refuses a version that is based on an older one, and text that is none', async () => {
    expect(await markdown('PUT', 'lost', { 'if-match': '"1"' })).toMatchObject({ status: 409 });
    expect(await put({ revision: 1, title: 'lost' })).toMatchObject({ status: 409, body: { code: 'stale-revision' } });
    expect(await markdown('PUT', ' \n')).toMatchObject({ status: 422 });
    expect(await markdown('PUT', 'x'.repeat(80_001))).toMatchObject({ status: 422 });
    expect(await markdown('PUT', 'x', { 'if-match': 'two' })).toMatchObject({ status: 422 });
    expect(await markdown('PUT', 'x', { 'content-type': 'text/html' })).toMatchObject({ status: 415 });
    expect(await markdown('PUT', '{', { 'content-type': 'application/json' })).toMatchObject({ status: 400 });
    const latin = new Uint8Array(Buffer.from('José', 'latin1'));
    expect(await markdown('PUT', latin)).toMatchObject({ status: 400, text: expect.stringContaining('"not-utf-8"') });
    const notJson = await markdown('PUT', latin, { 'content-type': 'application/json' });
    expect(notJson).toMatchObject({ status: 400, text: expect.stringContaining('"not-json"') });
    expect(await put({ title: '\ud800' })).toMatchObject({ status: 422 });
    expect(
      await put({
        sections: [
          { heading: 'A', text: '```' },
          { heading: 'B', text: '' },
        ],
      }),
    ).toMatchObject({ status: 422 });
    expect(await put({ markdown: 'x', title: 'y' })).toMatchObject({ status: 422 });
    expect(await put({ titel: 'y' })).toMatchObject({ status: 422 });
    expect((await postmortem()).body.revision).toBe(2);
  });

  test('keeps what a change in JSON does not name', async () => {
    const { body } = await put({ title: 'Better', state: 'in_review' });
    expect(body).toMatchObject({ title: 'Better', state: 'in_review', revision: 3 });
    expect(body.sections[0].text).toContain('## no section');
    expect((await put({ state: 'in_review' })).body.revision).toBe(3);
    const { action_items } = (await postmortem()).body;
    expect((await put({ action_items })).body).toMatchObject({ revision: 3, action_items });
    expect(await put({ action_items: [{ ...action_items[0], status: 'done' }] })).toMatchObject({ status: 422 });
    const published = await put({ state: 'published' });
    expect(published.body).toMatchObject({ state: 'published', revision: 4, published_by: expect.any(String) });
  });

  test('is recorded in the audit log with the hash of each version', async () => {
    await expect
      .poll(async () => {
        const { items } = (await firebreak.get('/v1/audit?limit=200')).body;
        return items.flatMap(
          ({ kind, subject, detail }: { kind: string; subject: string; detail: { revision: number } }) =>
            kind.startsWith('postmortem.') && subject === id && detail.revision !== undefined
              ? [[kind, detail.revision]]
              : [],
        );
      })
      .toEqual(
        expect.arrayContaining([
          ['postmortem.drafted', 1],
          ['postmortem.saved', 2],
          ['postmortem.in_review', 3],
          ['postmortem.published', 4],
        ]),
      );
  });

  test('becomes a file in a pull request, which the API, the console, and the command line show', async () => {
    const file = async () => (await postmortem()).body.file;
    const path = `incidents/${id}.md`;
    await expect
      .poll(async () => (await file()).problem)
      .toBe('the repository has no branch main, or the token has no access to it');
    const { status } = await firebreak.post('/sandbox/github/commits', {
      repository: 'acme/post-mortems',
      files: { 'README.md': 'Ours' },
    });
    expect(status).toBe(201);
    const { markdown: text } = (await postmortem()).body;
    const { body: saved } = await put({ markdown: `${text}\n` });
    await expect.poll(async () => (await file()).revision).toBe(saved.revision);
    const { url, pull_request, problem } = await file();
    expect([problem, pull_request]).toEqual([null, expect.stringMatching(/\/acme\/post-mortems\/pull\/1$/)]);
    const head = new URL(url).pathname.split('/blob/')[1]?.replace(`/${path}`, '');
    const call = { headers: { authorization: 'Bearer person', 'user-agent': 'test' } };
    const content = await fetch(
      `${new URL(url).origin}/repos/acme/post-mortems/contents/${path}?ref=${encodeURIComponent(head ?? '')}`,
      call,
    );
    expect(Buffer.from(((await content.json()) as { content: string }).content, 'base64').toString()).toBe(`${text}\n`);
    const printed = await cli(['incident', 'postmortem', id], {
      env: { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN },
    });
    expect(printed).toMatchObject({
      code: 0,
      err: `file ${path} in acme/post-mortems: revision ${saved.revision}, ${pull_request}\n`,
    });
  });

  test('is offered for a warning: nothing is stored until someone saves it', async () => {
    const other = await declared('A warning', 'warning', 'staging');
    await firebreak.resolve(other);
    expect((await postmortem(other)).body).toMatchObject({ state: 'none', need: 'offered', severity: 'SEV2' });
    const saved = await firebreak.request('PUT', `/v1/incidents/${other}/postmortem`, { state: 'draft' });
    expect(saved).toMatchObject({ status: 200, body: { state: 'draft', revision: 1 } });
  });
});

describe('action items', () => {
  const items = async (query = '') => (await firebreak.get(`/v1/action-items${query}`)).body.items;
  const ours = async (query = '') =>
    (await items(query)).filter(({ incident_id }: { incident_id: string }) => incident_id === id);

  test('are listed by status, owner, and service', async () => {
    const titles = async (query: string) => (await ours(query)).map(({ title }: { title: string }) => title);
    expect(await titles('')).toEqual(['Alert sooner', 'Test the restore']);
    expect(await titles('?status=overdue')).toEqual(['Alert sooner']);
    expect(await titles('?status=open')).toEqual(['Alert sooner', 'Test the restore']);
    expect(await titles('?status=done')).toEqual([]);
    expect(await titles('?owner=payments&service=checkout')).toEqual(['Alert sooner']);
    expect(await titles('?service=cart')).toEqual([]);
  });

  test('are changed in the text, and nowhere else', async () => {
    const before = (await postmortem()).body;
    const [first] = await ours('?status=overdue');
    const changed = await firebreak.request('PATCH', `/v1/action-items/${first.id}`, { status: 'done', due: null });
    expect(changed).toMatchObject({ status: 200, body: { id: first.id, status: 'done', due: null, priority: 'P2' } });
    const after = (await postmortem()).body;
    expect(after.revision).toBe(before.revision + 1);
    expect(after.markdown).toBe(
      before.markdown.replace(
        '[ ] Alert sooner (owner: payments, due: 2020-01-01, P2)',
        '[x] Alert sooner (owner: payments, P2)',
      ),
    );
    expect(await ours('?status=done')).toHaveLength(1);
    expect(await firebreak.request('PATCH', `/v1/action-items/${id}-00000000`, { status: 'done' })).toMatchObject({
      status: 404,
      body: { code: 'unknown-action-item' },
    });
  });

  test('are listed, closed, and reopened on the command line', async () => {
    const run = (...args: string[]) =>
      cli(['action-items', ...args], { env: { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN } });
    const listed = await run('list', '--service', 'checkout');
    expect(listed.out).toMatch(/^ID +STATUS +OWNER +DUE +PRIO +SERVICE +ISSUE +TITLE\n/);
    expect(listed.out).toMatch(/ open +- +- +- +checkout +- +Test the restore\n/);
    const done = JSON.parse((await run('list', '--status', 'done', '--json')).out);
    expect(done).toMatchObject([{ title: 'Alert sooner', status: 'done', issue: null }]);
    const { id: item } = done[0];
    expect(await run('reopen', item)).toMatchObject({ code: 0, out: `${item} is open: Alert sooner\n` });
    expect(await run('done', item)).toMatchObject({ code: 0, out: `${item} is done: Alert sooner\n` });
    expect(await run('issue', item)).toMatchObject({ code: 1, err: expect.stringContaining('is done') });
    expect(await run('done', `${id}-00000000`)).toMatchObject({ code: 1 });
    expect(await run('list', '--status', 'late')).toMatchObject({ code: 2 });
  });

  test('become an issue at GitHub on request, and are done when it is closed', async () => {
    const [item] = await ours('?status=open');
    const issueOf = async () => (await ours('?status=open'))[0]?.issue;
    const asked = await firebreak.post(`/v1/action-items/${item.id}/issue`, {});
    expect(asked).toMatchObject({ status: 202, body: { id: item.id, issue: { tracker: 'github', key: null } } });
    await expect.poll(async () => (await issueOf())?.key).toBe('acme/checkout#1');
    const { url } = await issueOf();
    const github = `${new URL(url).origin}/repos/acme/checkout/issues`;
    const call = { headers: { authorization: 'Bearer person', 'user-agent': 'test' } };
    const closed = await fetch(`${github}/1`, { ...call, method: 'PATCH', body: '{"state":"closed"}' });
    expect(closed.status).toBe(200);

    const webhook = async (number: number, secret = SECRET) => {
      const body = JSON.stringify({
        action: 'closed',
        issue: { number, title: item.title, state: 'closed' },
        repository: { id: 1, full_name: 'Acme/checkout' },
        sender: { login: 'nora-q' },
      });
      const response = await fetch(`${firebreak.url}/integrations/github/webhook`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'issues',
          'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        },
        body,
      });
      return { status: response.status, body: await response.json() };
    };
    expect((await webhook(1, 'another')).status).toBe(401);
    expect(await webhook(9)).toMatchObject({
      status: 202,
      body: { ignored: expect.stringContaining('issues.closed') },
    });
    expect(await webhook(1)).toMatchObject({ status: 202, body: { recorded: 'acme/checkout#1' } });
    await expect.poll(async () => (await ours('?status=done')).length).toBe(2);
    expect((await postmortem()).body.markdown).toContain('- [x] Test the restore');
    expect(await (await fetch(`${github}?state=all`, call)).json()).toHaveLength(1);
  });
});

describe('firebreak incident postmortem', () => {
  const run = (...args: string[]) =>
    cli(['incident', 'postmortem', id, ...args], {
      env: { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN },
      cwd: firebreak.dataDir,
    });

  test('prints the text, saves a file with what to look at, and changes the state', async () => {
    const before = (await postmortem()).body;
    expect(await run()).toEqual({
      code: 0,
      out: `${before.markdown.replace(/\n$/, '')}\n`,
      err: expect.stringMatching(/^file incidents\/.*\n$/),
    });
    expect(JSON.parse((await run('--json')).out)).toMatchObject({ incident_id: id, revision: before.revision });
    const text =
      '# Ours\n\n## Summary\nIt was human error.\n\n## Action items\n- [ ] Alert sooner (owner: nora, due: 2026-12-04)\n';
    await writeFile(join(firebreak.dataDir, 'pm.md'), text);
    const saved = await run('--file', 'pm.md', '--revision', String(before.revision), '--state', 'in_review');
    expect(saved).toMatchObject({ code: 0, out: `saved revision ${before.revision + 1}, in review: Ours\n` });
    expect(saved.err).toMatch(/^pm\.md:4: .*blame/);
    expect((await postmortem()).body.markdown).toBe(text);
    expect(await run('--file', 'pm.md', '--revision', '1')).toMatchObject({
      code: 1,
      err: expect.stringContaining('revision 1 is not the current one'),
    });
    expect(await run('--revision', 'two')).toMatchObject({ code: 2 });
    expect(await run('--file', 'none.md')).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot read none.md'),
    });
  });
});
