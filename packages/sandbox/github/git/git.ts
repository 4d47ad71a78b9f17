import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { errorResponse, validationError, notFound, originOf, readBody, repositoryOf } from '../answers.ts';
import { commitJson, contentJson, gitCommitJson, pullJson, refJson, treeJson } from './git-json.ts';
import { type PlacedEntry, PlacementError } from './objects.ts';
import { pageOf } from '../pages.ts';
import { openPulls, type Pull, type Pulls } from './pulls.ts';
import { openRepository, type Repository } from './refs.ts';
import type { StandInDeps } from '../../core/stand-in.ts';

/** Callback after a branch was updated. */
export type OnPush = (repository: string, branch: string, sha: string) => void;

const NewTree = z.object({
  base_tree: z.string().optional(),
  tree: z.array(
    z.object({
      path: z.string().min(1),
      mode: z.enum(['100644', '100755', '040000', '160000', '120000']),
      type: z.enum(['blob', 'tree', 'commit']),
      sha: z.string().nullable().optional(),
      content: z.string().optional(),
    }),
  ),
});
const NewCommit = z.object({ message: z.string(), tree: z.string(), parents: z.array(z.string()).default([]) });
const NewRef = z.object({ ref: z.string().regex(/^refs\/(?:heads|tags)\/.+$/), sha: z.string() });
const UpdatedRef = z.object({ sha: z.string(), force: z.boolean().default(false) });
const NewContent = z.object({
  message: z.string().min(1),
  content: z.string(),
  branch: z.string().default('main'),
  sha: z.string().optional(),
});
const NewPull = z.object({ title: z.string(), head: z.string(), base: z.string(), body: z.string().nullish() });

/** Routes below `/repos/:owner/:repo` for Git objects and refs, commits, branches, and pull requests. */
export function gitRoutes(deps: StandInDeps, onPush: OnPush): Hono {
  const { db, now } = deps;
  const pulls = openPulls(db);
  const repositoryIn = (c: Context): Repository => openRepository(db, repositoryOf(c));
  const rest = (c: Context): string => c.req.param('rest') ?? '';

  return new Hono()
    .get('/branches/:rest{.+}', (c) => {
      const repository = repositoryIn(c);
      const ref = repository.ref(`heads/${rest(c)}`);
      const commit = ref && repository.objects.commit(ref.sha);
      if (!ref || !commit) return errorResponse(c, 404, 'Branch not found');
      return c.json({ name: rest(c), commit: commitJson(originOf(c), repository, commit), protected: ref.protected });
    })
    .get('/commits', (c) => listCommits(c, repositoryIn(c)))
    .get('/commits/:rest{.+}', (c) => {
      const commit = repositoryIn(c).resolve(rest(c));
      if (!commit) return errorResponse(c, 422, `No commit found for SHA: ${rest(c)}`);
      return c.json({ ...commitJson(originOf(c), repositoryIn(c), commit), files: [] });
    })
    .get('/git/ref/:rest{.+}', (c) => {
      const ref = repositoryIn(c).ref(rest(c));
      return ref ? c.json(refJson(originOf(c), repositoryIn(c), ref)) : notFound(c);
    })
    .post('/git/refs', (c) => createRef(c, repositoryIn(c), onPush))
    .patch('/git/refs/:rest{.+}', (c) => updateRef(c, repositoryIn(c), rest(c), onPush))
    .get('/git/commits/:sha', (c) => {
      const commit = repositoryIn(c).objects.commit(c.req.param('sha'));
      return commit ? c.json(gitCommitJson(originOf(c), repositoryIn(c), commit)) : notFound(c);
    })
    .post('/git/commits', (c) => createCommit(c, repositoryIn(c), now()))
    .get('/git/trees/:sha', (c) => {
      const sha = c.req.param('sha');
      const entries = repositoryIn(c).objects.tree(sha);
      return entries ? c.json(treeJson(originOf(c), repositoryIn(c), sha, entries)) : notFound(c);
    })
    .post('/git/trees', (c) => createTree(c, repositoryIn(c)))
    .get('/pulls', (c) => {
      const { items, headers } = pageOf(c, pulls.all(repositoryOf(c)).filter(matchesQuery(c)));
      return c.json(
        items.map((pull) => pullJson(originOf(c), repositoryIn(c), pull)),
        200,
        headers,
      );
    })
    .get('/pulls/:number{[0-9]+}', (c) => {
      const pull = pulls.get(repositoryOf(c), Number(c.req.param('number')));
      return pull ? c.json(pullJson(originOf(c), repositoryIn(c), pull)) : notFound(c);
    })
    .get('/contents/:rest{.+}', (c) => showContent(c, repositoryIn(c), rest(c)))
    .put('/contents/:rest{.+}', (c) => writeContent(c, repositoryIn(c), { path: rest(c), onPush, at: now() }))
    .post('/pulls', (c) => openPull(c, repositoryIn(c), pulls, now()));
}

/** Lists the commits in the history of `sha` that change `path`. */
function listCommits(c: Context, repository: Repository): Response {
  const { sha = 'main', path } = c.req.query();
  const head = repository.resolve(sha);
  if (!head) return notFound(c);
  const { objects } = repository;
  const shaAt = (commit: string | undefined): string | undefined => {
    const tree = commit === undefined ? undefined : objects.commit(commit)?.tree;
    return tree === undefined || path === undefined ? tree : objects.entryAt(tree, path)?.sha;
  };
  const changingPath = repository
    .history(head.sha)
    .filter((commit) => !path || shaAt(commit.sha) !== shaAt(commit.parents[0]));
  const { items, headers } = pageOf(c, changingPath);
  return c.json(
    items.map((commit) => commitJson(originOf(c), repository, commit)),
    200,
    headers,
  );
}

async function createTree(c: Context, repository: Repository): Promise<Response> {
  const read = await readBody(c, NewTree);
  if ('refusal' in read) return read.refusal;
  const { objects } = repository;
  const base = read.body.base_tree;
  if (base !== undefined && !objects.tree(base)) return errorResponse(c, 422, 'base_tree is not a valid tree oid');
  const placed = read.body.tree.map(({ content, sha, ...entry }): PlacedEntry => {
    return { ...entry, sha: content === undefined ? (sha ?? null) : objects.blob(content) };
  });
  const missing = placed.find(({ type, sha }) => type === 'tree' && sha !== null && !objects.tree(sha));
  if (missing) return errorResponse(c, 422, `tree.sha ${missing.sha ?? ''} is not a valid tree`);
  try {
    const sha = objects.createTree(base, placed);
    return c.json(treeJson(originOf(c), repository, sha, objects.tree(sha) ?? []), 201);
  } catch (error) {
    if (error instanceof PlacementError) return errorResponse(c, 422, error.message);
    throw error;
  }
}

async function createCommit(c: Context, repository: Repository, at: number): Promise<Response> {
  const read = await readBody(c, NewCommit);
  if ('refusal' in read) return read.refusal;
  const { tree, parents } = read.body;
  if (!repository.objects.tree(tree)) return errorResponse(c, 422, 'Tree SHA does not exist');
  if (!parents.every((parent) => repository.objects.commit(parent)))
    return errorResponse(c, 422, 'Parent SHA does not exist or is not a commit object');
  return c.json(gitCommitJson(originOf(c), repository, repository.objects.createCommit({ ...read.body, at })), 201);
}

async function createRef(c: Context, repository: Repository, onPush: OnPush): Promise<Response> {
  const read = await readBody(c, NewRef);
  if ('refusal' in read) return read.refusal;
  const name = read.body.ref.replace(/^refs\//, '');
  if (!repository.objects.commit(read.body.sha)) return errorResponse(c, 422, 'Object does not exist');
  if (repository.ref(name)) return errorResponse(c, 422, 'Reference already exists');
  repository.set(name, read.body.sha);
  if (name.startsWith('heads/')) onPush(repository.name, name.slice('heads/'.length), read.body.sha);
  return c.json(refJson(originOf(c), repository, { name, sha: read.body.sha }), 201);
}

async function updateRef(c: Context, repository: Repository, name: string, onPush: OnPush): Promise<Response> {
  const read = await readBody(c, UpdatedRef);
  if ('refusal' in read) return read.refusal;
  const { sha, force } = read.body;
  const ref = repository.ref(name);
  if (!ref) return errorResponse(c, 422, 'Reference does not exist');
  if (!repository.objects.commit(sha)) return errorResponse(c, 422, 'Object does not exist');
  if (ref.protected)
    return errorResponse(
      c,
      422,
      'Repository rule violations found\n\nChanges must be made through a pull request.\n\n',
    );
  const isForward = repository.history(sha).some((each) => each.sha === ref.sha);
  if (!isForward && !force) return errorResponse(c, 422, 'Update is not a fast forward');
  repository.set(name, sha);
  if (name.startsWith('heads/')) onPush(repository.name, name.slice('heads/'.length), sha);
  return c.json(refJson(originOf(c), repository, { name, sha }));
}

/** Returns a file, or the entries of a folder. */
function showContent(c: Context, repository: Repository, path: string): Response {
  const head = repository.resolve(c.req.query('ref') ?? 'main');
  if (!head) return errorResponse(c, 404, `No commit found for the ref ${c.req.query('ref') ?? 'main'}`);
  const entry = repository.objects.entryAt(head.tree, path);
  if (!entry) return notFound(c);
  const at = c.req.query('ref') ?? 'main';
  if (entry.type === 'tree')
    return c.json(
      (repository.objects.tree(entry.sha) ?? []).map((commit) =>
        contentJson(originOf(c), repository, { ...commit, path: `${path}/${commit.path}`, at }),
      ),
    );
  const text = repository.objects.text(entry.sha) ?? '';
  return c.json({
    ...contentJson(originOf(c), repository, { ...entry, path, at }),
    encoding: 'base64',
    content: Buffer.from(text).toString('base64'),
  });
}

/** Creates or replaces one file with a commit on a branch. Refuses one that does not name the version that it replaces. */
async function writeContent(
  c: Context,
  repository: Repository,
  { path, onPush, at }: { path: string; onPush: OnPush; at: number },
): Promise<Response> {
  const read = await readBody(c, NewContent);
  if ('refusal' in read) return read.refusal;
  const { message, content: encoded, branch, sha } = read.body;
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded.replaceAll(/\s/g, '')))
    return errorResponse(c, 422, 'content is not valid Base64');
  const ref = repository.ref(`heads/${branch}`);
  const head = ref && repository.objects.commit(ref.sha);
  if (!ref || !head) return errorResponse(c, 404, `Branch ${branch} not found`);
  const { objects } = repository;
  const existing = objects.entryAt(head.tree, path);
  if (existing?.type === 'tree') return errorResponse(c, 422, `${path} is a directory`);
  if (existing && sha === undefined) return errorResponse(c, 422, 'Invalid request.\n\n"sha" wasn\'t supplied.');
  if (sha !== undefined && sha !== existing?.sha) return errorResponse(c, 409, `${path} does not match ${sha}`);
  if (ref.protected)
    return errorResponse(
      c,
      409,
      'Repository rule violations found\n\nChanges must be made through a pull request.\n\n',
    );
  const blob = objects.blob(Buffer.from(encoded, 'base64').toString());
  const tree = objects.createTree(head.tree, [{ path, mode: '100644', type: 'blob', sha: blob }]);
  const commit = objects.createCommit({ message, tree, parents: [head.sha], at });
  repository.set(`heads/${branch}`, commit.sha);
  onPush(repository.name, branch, commit.sha);
  return c.json(
    {
      content: contentJson(originOf(c), repository, { path, sha: blob, type: 'blob', at: branch }),
      commit: gitCommitJson(originOf(c), repository, commit),
    },
    existing ? 200 : 201,
  );
}

async function openPull(c: Context, repository: Repository, pulls: Pulls, at: number): Promise<Response> {
  const read = await readBody(c, NewPull);
  if ('refusal' in read) return read.refusal;
  const { title, base, body = null } = read.body;
  const owner = `${repository.name.split('/')[0]}:`;
  const head = read.body.head.startsWith(owner) ? read.body.head.slice(owner.length) : read.body.head;
  const [from, to] = [repository.resolve(`heads/${head}`), repository.resolve(`heads/${base}`)];
  if (!from || !to) return c.json(fieldErrors('PullRequest', from ? 'base' : 'head'), 422);
  if (repository.history(to.sha).some(({ sha }) => sha === from.sha))
    return validationError(c, 'PullRequest', `No commits between ${base} and ${head}`);
  const isOpen = (pull: Pull) => pull.state === 'open' && pull.head === head && pull.base === base;
  if (pulls.all(repository.name).some(isOpen))
    return validationError(c, 'PullRequest', `A pull request already exists for ${owner}${head}.`);
  const pull = pulls.open({ repository: repository.name, title, body, head, base }, at);
  return c.json(pullJson(originOf(c), repository, pull), 201);
}

const fieldErrors = (resource: string, field: string) => ({
  message: 'Validation Failed',
  errors: [{ resource, field, code: 'invalid' }],
  status: '422',
});

/**
 * Returns a filter for pull requests by the query parameters. The default for `state` is open. `head` is
 * `owner:branch`; without an owner, GitHub ignores it.
 */
function matchesQuery(c: Context): (pull: Pull) => boolean {
  const { state = 'open', head, base } = c.req.query();
  return (pull) =>
    (state === 'all' || pull.state === state) &&
    (base === undefined || pull.base === base) &&
    (!head?.includes(':') || head === `${pull.repository.split('/')[0]}:${pull.head}`);
}
