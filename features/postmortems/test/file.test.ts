import { withPorts } from '../ports.ts';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { withFile } from '../actions/file-view.ts';
import { readPostmortem, savePostmortem } from '../actions/postmortem.ts';
import { githubFiles } from '../vendors/github/files.ts';
import { sync } from '../../../core/projectors/sync.ts';
import { fileProjector } from '../projectors/file.ts';
import type { StandIns } from '../../../packages/sandbox/core/index.ts';
import type { FaultRule } from '../../../packages/sandbox/core/faults.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { PostmortemsFile } from '../schemas/policy.ts';
import { calls, sandbox, setFault, start } from '../../../packages/sandbox/test/support.ts';
import { FakeWorld, idleEngine, silent } from '../../../test/support/fake-deps.ts';
import { ends, fires, theIncident } from '../../../test/workflows/play.ts';
import { StoredProjections } from '../../../test/vendors/projectors/stored-projections.ts';

const REPOSITORY = 'acme/post-mortems';
const ADA = { name: 'ada', allow: () => undefined };

let world: FakeWorld;
let projections: StoredProjections;
let standIns: StandIns;
let id: IncidentId;
let path: string;

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  projections = new StoredProjections(world.clock);
  standIns = await start({ now: () => world.clock.millis });
  await sandbox(standIns, 'POST', '/github/commits', { repository: REPOSITORY, files: { 'README.md': 'Ours' } });
  configured({ mode: 'commit' });
  await fires()(world);
  id = theIncident(world);
  await ends()(world);
  const { seq } = (await world.deps.incidents.read(id)) ?? expect.unreachable();
  await world.deps.incidents.resolve(id, seq, 'ada', 'over');
  await savePostmortem(withPorts(world.deps), ADA, id, { markdown: '# Ours\n\nNot approved.\n' });
});

function configured(github: object): void {
  world.config = Config.parse({
    version: 'test',
    services: { checkout: { team: 'payments', environments: { production: {} } } },
    paging: {},
    postmortems: { publish: [{ teams: ['payments'], github: { repository: REPOSITORY, ...github } }] },
  });
}

/** Saves a version, and runs the projector after a time. */
async function saved(text: string): Promise<void> {
  await savePostmortem(withPorts(world.deps), ADA, id, { markdown: text, state: 'published' });
  await projections.changed(`postmortem:${id}`);
  await passes(60);
}

async function passes(seconds: number): Promise<void> {
  world.clock.set(world.clock.millis + seconds * 1000);
  const { clock, deps } = world;
  const projector = fileProjector({
    ...withPorts(deps),
    projections,
    publicUrl: 'https://firebreak.example.com',
    postmortemFilesFor: async ({ github }) => ({
      ...githubFiles({ apiUrl: standIns.urls.github, token: async () => 'ghs_test', clock }, github),
      standIn: true,
    }),
  });
  await sync('tickets', { clock, log: silent, projections }, projector);
}

async function shown() {
  const view = await readPostmortem(withPorts(world.deps), ADA, { id });
  const { file } = await withFile({ ...withPorts(world.deps), projections }, view);
  if (file === null) return expect.unreachable();
  path = file.path;
  return file;
}

const headers = { authorization: 'Bearer person', 'user-agent': 'test' };
const get = async (at: string) =>
  (await fetch(`${standIns.urls.github}/repos/${REPOSITORY}${at}`, { headers })).json() as Promise<any>;
const textOn = async (branch: string): Promise<string | undefined> => {
  const { content } = await get(`/contents/${path}?ref=${branch}`);
  return content === undefined ? undefined : Buffer.from(content, 'base64').toString();
};
const messages = async (branch = 'main'): Promise<string[]> =>
  (await get(`/commits?sha=${branch}`)).map(({ commit }: { commit: { message: string } }) => commit.message);
const pulls = (): Promise<{ number: number; state: string; head: { ref: string }; title: string; body: string }[]> =>
  get('/pulls?state=all');
const merge = (number: number, how: 'squash' | 'close' = 'squash') =>
  sandbox(standIns, 'POST', '/github/merges', { repository: REPOSITORY, number, how });
const fault = (kind: FaultRule['fault'], method: string, at: string) =>
  setFault(standIns, { vendor: 'github', fault: kind, match: { method, path: `/repos/${REPOSITORY}${at}` }, times: 1 });
const timeline = async () =>
  (await world.deps.incidents.timeline(id, { limit: 100 })).items.filter(
    ({ kind }) => kind === 'postmortem.file_published',
  );

describe('a published post-mortem as a file on a branch', () => {
  test('is written when it is published, and updated with each version, with exactly its text', async () => {
    await projections.changed(`postmortem:${id}`);
    await passes(60);
    expect(await shown()).toMatchObject({ mode: 'commit', revision: null, problem: null });
    expect(path).toMatch(new RegExp(`^postmortems/\\d{4}-\\d\\d-\\d\\d-checkout-${id}\\.md$`));
    expect(await textOn('main')).toBeUndefined();
    await saved('# Ours\r\n\nfixes #1 @all \u{1F525}\n');
    expect(await textOn('main')).toBe('# Ours\r\n\nfixes #1 @all \u{1F525}\n');
    await saved('# Ours\n\nCorrected.\n');
    await passes(60);
    expect(await textOn('main')).toBe('# Ours\n\nCorrected.\n');
    expect(await messages()).toEqual([
      `Publish the post-mortem of incident INC-1, revision 3`,
      `Publish the post-mortem of incident INC-1, revision 2`,
      'A change',
    ]);
    expect(await shown()).toMatchObject({
      revision: 3,
      url: expect.stringMatching(/\/acme\/post-mortems\/blob\/main\/postmortems\/.*\.md$/),
      pull_request: null,
      problem: null,
    });
    expect((await timeline()).map(({ text }) => text)).toEqual(
      Array(2).fill(expect.stringContaining(`Published the post-mortem as ${path} in ${REPOSITORY}`)),
    );
  });

  test('is written once if the response is lost, or the process ends before the outcome is stored', async () => {
    await shown();
    await fault({ kind: 'lost' }, 'PUT', `/contents/${path}`);
    await saved('# Ours\n');
    expect((await shown()).revision).toBeNull();
    await passes(60);
    expect(await shown()).toMatchObject({ revision: 2, problem: null });
    expect(await messages()).toHaveLength(2);

    await savePostmortem(withPorts(world.deps), ADA, id, { markdown: '# Theirs\n' });
    await projections.changed(`postmortem:${id}`);
    const write = projections.write.bind(projections);
    const killed = vi.spyOn(projections, 'write').mockImplementation(async (target, subject, state) => {
      if ((state as { revision: number }).revision === 3) throw new Error('killed');
      await write(target, subject, state);
    });
    await passes(60);
    killed.mockRestore();
    expect(await textOn('main')).toBe('# Theirs\n');
    expect((await shown()).revision).toBe(2);
    await passes(120);
    expect((await shown()).revision).toBe(3);
    expect(await messages()).toHaveLength(3);
    expect(await timeline()).toHaveLength(2);
  });

  test('is written on top of what others have written meanwhile', async () => {
    await saved('# Ours\n');
    await shown();
    await fault(
      { kind: 'status', status: 409, body: { message: `${path} does not match abc` } },
      'PUT',
      `/contents/${path}`,
    );
    await saved('# Theirs\n');
    expect(await shown()).toMatchObject({ revision: 2, problem: expect.stringContaining('has changed meanwhile') });
    await sandbox(standIns, 'POST', '/github/commits', { repository: REPOSITORY, files: { [path]: 'Edited' } });
    await passes(60);
    expect(await shown()).toMatchObject({ revision: 3, problem: null });
    expect(await textOn('main')).toBe('# Theirs\n');
  });

  test.each([
    ['protected', 'is protected: set mode: pull-request'],
    ['forbidden', 'needs the permission Contents: write for acme/post-mortems'],
    ['unknown', 'the repository has no branch trunk, or the token has no access to it'],
  ])('that cannot be written (%s) says what to fix, and is tried again', async (why, words) => {
    await shown();
    const protect = (on: boolean) =>
      sandbox(standIns, 'PUT', '/github/branches', { repository: REPOSITORY, branch: 'main', protected: on });
    if (why === 'protected') await protect(true);
    if (why === 'forbidden')
      await fault(
        { kind: 'status', status: 403, body: { message: 'Resource not accessible by integration' } },
        'PUT',
        `/contents/${path}`,
      );
    if (why === 'unknown') configured({ mode: 'commit', branch: 'trunk' });
    await saved('# Ours\n');
    expect((await shown()).problem).toContain(words);
    await passes(60);
    expect((await shown()).revision).toBeNull();
    if (why === 'protected') await protect(false);
    if (why === 'unknown') configured({ mode: 'commit' });
    await passes(700);
    expect(await shown()).toMatchObject({ revision: 2, problem: null });
  });
});

describe('a published post-mortem in a pull request', () => {
  beforeEach(() => configured({}));

  test('has one open pull request, whose branch gets each version; after the merge, a new one', async () => {
    await saved('# Ours\n');
    await saved('# Theirs\n');
    const [first, ...none] = await pulls();
    expect(none).toEqual([]);
    expect(first).toMatchObject({ number: 1, state: 'open', head: { ref: `firebreak/postmortem-${id}-2` } });
    expect(first?.title).toMatch(/^Post-mortem of checkout, \d{4}-\d\d-\d\d \(/);
    expect(first?.body).toContain(`https://firebreak.example.com/console/incidents/INC-1/postmortem`);
    expect(await shown()).toMatchObject({ revision: 3, pull_request: expect.stringMatching(/\/pull\/1$/) });
    expect(await textOn(first?.head.ref ?? '')).toBe('# Theirs\n');
    expect(await textOn('main')).toBeUndefined();

    await merge(1);
    await saved('# Corrected\n');
    expect((await pulls()).map(({ number, state }) => [number, state])).toEqual([
      [2, 'open'],
      [1, 'closed'],
    ]);
    expect(await textOn(`firebreak/postmortem-${id}-4`)).toBe('# Corrected\n');
    expect(await textOn('main')).toBe('# Theirs\n');
  });

  test('is found again after each lost response, and after a kill', async () => {
    await shown();
    const head = `firebreak/postmortem-${id}-2`;
    await fault({ kind: 'lost' }, 'POST', '/git/refs');
    await saved('# Ours\n');
    await fault({ kind: 'lost' }, 'PUT', `/contents/${path}`);
    await passes(60);
    await fault({ kind: 'lost' }, 'POST', '/pulls');
    await passes(120);
    expect((await shown()).revision).toBeNull();
    await passes(240);
    expect(await shown()).toMatchObject({ revision: 2, problem: null });
    expect(await pulls()).toHaveLength(1);
    expect(await messages(head)).toHaveLength(2);
    const creations = (await calls(standIns)).filter(
      ({ method, path: at }) => method === 'POST' && at.endsWith('/pulls'),
    );
    expect(creations).toHaveLength(1);
  });

  test('says which permission is missing, and is not opened again after people close it', async () => {
    await fault({ kind: 'status', status: 403, body: { message: 'Resource not accessible' } }, 'POST', '/pulls');
    await saved('# Ours\n');
    expect((await shown()).problem).toContain('needs the permission Pull requests: write for acme/post-mortems');
    await fault({ kind: 'lost' }, 'POST', '/pulls');
    await passes(700);
    await merge(1, 'close');
    await passes(120);
    expect((await shown()).problem).toContain('was closed without this version');
    await passes(86_400);
    expect(await pulls()).toHaveLength(1);
    await saved('# Theirs\n');
    expect(await pulls()).toHaveLength(2);
    expect(await shown()).toMatchObject({ revision: 3, problem: null });
  });
});

test.each(['/a/{id}.md', '../{id}.md', 'a/{date}.md', '{id}', 'a//{id}.md', '{id}-{who}.md', '{id}}.md'])(
  'the path %j is refused',
  (template) => {
    const github = { repository: REPOSITORY, path: template };
    expect(PostmortemsFile.safeParse({ publish: [{ github }] }).success).toBe(false);
  },
);
