import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { reportOfJob, reportOfRun, WorkflowJobEvent, WorkflowRunEvent } from '../../vendors/github.ts';

const octokit = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../../../../test/fixtures/github/octokit/${name}.json`, import.meta.url), 'utf8'));

const run = (name: string, more: object = {}) => {
  const payload = octokit(name);
  return reportOfRun(
    WorkflowRunEvent.parse({ ...payload, workflow_run: Object.assign({}, payload.workflow_run, more) }),
  );
};
const job = (name: string, more: object = {}) => {
  const payload = octokit(name);
  return reportOfJob(
    WorkflowJobEvent.parse({ ...payload, workflow_job: Object.assign({}, payload.workflow_job, more) }),
  );
};

describe('runs of workflows', () => {
  test('requested', () => {
    expect(run('workflow_run-requested')).toMatchObject({
      repository: 'octo-org/octo-repo',
      pipeline: 'test',
      run_id: '289782451',
      attempt: 1,
      branch: 'master',
      default_branch: 'master',
      commit: '3484a3fb816e0859fd6e1cea078d76385ff50625',
      trigger: 'api',
      author: 'Codertocat',
      result: undefined,
      started_at: undefined,
    });
  });

  test('completed', () => {
    expect(run('workflow_run-completed', { updated_at: '2020-10-05T16:40:00Z' })).toMatchObject({
      result: 'succeeded',
      started_at: '2020-10-05T16:33:49.000Z',
      finished_at: '2020-10-05T16:40:00.000Z',
      url: 'https://github.com/octo-org/octo-repo/actions/runs/289782451',
    });
  });

  test('a run of a fork has a branch of its own', () => {
    const of = { full_name: 'mallory/octo-repo' };
    expect(run('workflow_run-completed.with-pull-requests', { head_repository: of }).branch).toBe('mallory:master');
  });

  test.each([
    ['timed_out', 'failed'],
    ['startup_failure', 'failed'],
    ['neutral', 'succeeded'],
    ['stale', 'cancelled'],
    ['action_required', undefined],
    ['something new', undefined],
  ])('conclusion %s: %s', (conclusion, result) => {
    expect(run('workflow_run-completed', { conclusion }).result).toBe(result);
  });

  test('a payload of another event does not match', () => {
    expect(WorkflowRunEvent.safeParse(octokit('workflow_job-queued')).success).toBe(false);
  });
});

describe('jobs', () => {
  test.each(['queued', 'waiting'])('a job that is %s has not started', (status) => {
    const { stages } = job(`workflow_job-${status}`);
    expect(stages).toMatchObject([{ started_at: undefined, result: undefined, queued_at: expect.any(String) }]);
  });

  test('in progress', () => {
    expect(job('workflow_job-in_progress', { started_at: '2021-09-13T02:21:50Z' })).toMatchObject({
      pipeline: 'CodeQL',
      stages: [{ queued_at: '2021-09-13T02:21:13.000Z', started_at: '2021-09-13T02:21:50.000Z' }],
    });
  });

  test('completed', () => {
    expect(job('workflow_job-completed.failure')).toMatchObject({
      repository: 'Codertocat/Hello-World',
      run_id: '2202229078',
      stages: [
        {
          id: '289782451',
          name: 'linters',
          result: 'failed',
          queued_at: '2021-08-05T10:33:58.000Z',
          started_at: '2021-08-05T10:34:58.000Z',
          finished_at: '2021-08-05T10:38:16.000Z',
        },
      ],
    });
  });

  test('a skipped job can end before it started', () => {
    const times = { started_at: '2021-08-05T10:38:17Z', conclusion: 'skipped' };
    expect(job('workflow_job-completed.failure', times).stages).toMatchObject([
      { result: 'skipped', started_at: undefined, finished_at: '2021-08-05T10:38:16.000Z' },
    ]);
  });
});
