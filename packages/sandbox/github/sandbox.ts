import { Hono, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { type Actions, ActionSettings, openActions, type Run } from './actions.ts';
import type { OnPush } from './git/git.ts';
import { openPulls, type Pull } from './git/pulls.ts';
import { openRepository } from './git/refs.ts';
import { exchanges } from '../core/exchanges.ts';
import { problem } from '../core/problem.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const RepositoryName = z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'must be in the form owner/name');
const Name = z.string().min(1);

const Push = z.strictObject({
  repository: RepositoryName,
  branch: Name.default('main'),
  message: Name.default('A change'),
  /** File contents by path; `null` deletes the file. */
  files: z.record(Name, z.string().nullable()),
  /** A tag for the new commit. */
  tag: Name.optional(),
});

const Protection = z.strictObject({ repository: RepositoryName, branch: Name, protected: z.boolean() });

const Merge = z.strictObject({
  repository: RepositoryName,
  number: z.int().min(1),
  how: z.enum(['merge', 'squash', 'close']).default('merge'),
});

/** Runs the workflow manually for a commit, tag, or branch. */
const Deploy = z.strictObject({ repository: RepositoryName, ref: Name, environment: Name.optional() });

const RunReference = z.strictObject({ repository: RepositoryName, run: z.int().min(1) });
const End = RunReference.extend({ conclusion: z.enum(['success', 'failure', 'cancelled', 'timed_out']) });

/**
 * Returns the endpoints for actions of people in GitHub (push, protect, merge, deploy, approve), and for the settings
 * of the workflow.
 */
export function githubSandbox(deps: StandInDeps): Hono {
  const { db, now } = deps;
  const actions = openActions(deps);
  const onPush = runOnPush(actions, now);
  const created = (body: object) => Response.json(body, { status: 201 });
  return new Hono().use(settleFirst(deps)).route(
    '/',
    exchanges({
      'POST /commits': ({ given }) => created({ sha: push(deps, given(Push), onPush) }),
      'PUT /branches'({ given }) {
        const { repository: name, branch, protected: on } = given(Protection);
        const repository = openRepository(db, name);
        if (!repository.ref(`heads/${branch}`)) throw problem(422, `${name} has no branch ${branch}`);
        repository.protect(`heads/${branch}`, on);
        return repository.ref(`heads/${branch}`);
      },
      'POST /merges': ({ given }) => merge(deps, given(Merge), onPush),
      'POST /deploys'({ given }) {
        const { repository, ref, environment } = given(Deploy);
        const commit = openRepository(db, repository).resolve(ref);
        if (!commit) throw problem(422, `${repository} has no branch, tag, or commit ${ref}`);
        const branch = /^[0-9a-f]{40}$/.test(ref) ? actions.settings().branch : ref;
        const request = { repository, event: 'workflow_dispatch', head_branch: branch, head_sha: commit.sha };
        return created(actions.start({ ...request, ...(environment && { environment }) }, now()));
      },
      'POST /approvals'({ given }) {
        const run = runOf(actions, given(RunReference));
        actions.approve(run, now());
        return run;
      },
      'POST /ends'({ given }) {
        const { conclusion, ...named } = given(End);
        const run = runOf(actions, named);
        actions.end(run, conclusion, now());
        return run;
      },
      'GET /settings': () => actions.settings(),
      'PUT /settings': ({ given }) => actions.setSettings(given(ActionSettings)),
    }),
  );
}

/** Completes the workflow runs that are due before each request is handled. */
export const settleFirst =
  (deps: StandInDeps): MiddlewareHandler =>
  async (_, next) => {
    openActions(deps).settle(deps.now());
    await next();
  };

/** Returns the callback for a push, which runs the workflow if the push is to the workflow's branch. */
export const runOnPush =
  (actions: Actions, now: () => number): OnPush =>
  (repository, branch, sha) => {
    const { on_push: runsOnPush, branch: watched } = actions.settings();
    if (runsOnPush && branch === watched)
      actions.start({ repository, event: 'push', head_branch: branch, head_sha: sha }, now());
  };

function push({ db, now }: StandInDeps, request: z.infer<typeof Push>, onPush: OnPush): string {
  const { branch, message, files, tag } = request;
  const { objects, ...repository } = openRepository(db, request.repository);
  const head = repository.resolve(`heads/${branch}`);
  const placed = Object.entries(files).map(([path, text]) => {
    return { path, mode: '100644', type: 'blob' as const, sha: text === null ? null : objects.blob(text) };
  });
  const tree = objects.createTree(head?.tree, placed);
  const { sha } = objects.createCommit({ tree, parents: head ? [head.sha] : [], message, at: now() });
  repository.set(`heads/${branch}`, sha);
  if (tag !== undefined) repository.set(`tags/${tag}`, sha);
  onPush(request.repository, branch, sha);
  return sha;
}

function merge({ db, now }: StandInDeps, requested: z.infer<typeof Merge>, onPush: OnPush): Pull {
  const pulls = openPulls(db);
  const pull = pulls.get(requested.repository, requested.number);
  if (pull?.state !== 'open')
    throw problem(422, `${requested.repository} has no open pull request ${requested.number}`);
  if (requested.how === 'close') return pulls.close(pull, now());
  const merged = pulls.merge(pull, openRepository(db, requested.repository), requested.how, now());
  if (!merged) throw problem(422, `${pull.base} has new commits; the stand-in can't merge them`);
  onPush(requested.repository, pull.base, merged.merge_commit_sha ?? '');
  return merged;
}

function runOf(actions: Actions, { repository, run: id }: z.infer<typeof RunReference>): Run {
  const run = actions.run(repository, id);
  if (run) return run;
  throw problem(422, `${repository} has no workflow run ${id}`);
}
