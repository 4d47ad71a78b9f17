import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { JobEvent, PipelineEvent, reportOfGitlabJob, reportOfPipeline } from '../../vendors/gitlab.ts';

const documented = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../../../../test/fixtures/gitlab/${name}.json`, import.meta.url), 'utf8'));

const pipeline = (more: object = {}, attributes: object = {}) => {
  const payload = documented('pipeline');
  const object_attributes = Object.assign({}, payload.object_attributes, attributes);
  return reportOfPipeline(PipelineEvent.parse({ ...payload, object_attributes, ...more }));
};

describe('pipelines', () => {
  test('a finished pipeline with its jobs', () => {
    const report = pipeline();
    expect(report).toMatchObject({
      repository: 'gitlab-org/gitlab-test',
      run_id: '31',
      branch: 'test',
      default_branch: 'master',
      trigger: 'pull_request',
      author: 'root',
      result: 'succeeded',
      started_at: '2016-08-12T15:24:56.000Z',
      finished_at: '2016-08-12T15:26:29.000Z',
    });
    expect(report.stages.map(({ id, name, result }) => [id, name, result])).toEqual([
      ['380', 'production', 'skipped'],
      ['377', 'test-image', 'succeeded'],
      ['378', 'test-build', 'failed'],
      ['376', 'build-image', 'succeeded'],
      ['379', 'staging', undefined],
    ]);
    expect(report.stages[1]).toMatchObject({
      queued_at: '2016-08-12T15:22:56.000Z',
      started_at: '2016-08-12T15:26:12.000Z',
      finished_at: '2016-08-12T15:26:29.000Z',
    });
  });

  test('a running pipeline whose earlier attempt has ended', () => {
    expect(pipeline({}, { status: 'running' })).toMatchObject({ result: undefined, finished_at: undefined });
  });

  test('branches: of the push, of the merge request, of a fork, and none of a tag', () => {
    const request = documented('pipeline').merge_request;
    expect(pipeline({ merge_request: null }).branch).toBe('master');
    expect(pipeline({ merge_request: { ...request, source_branch: 'master', source_project_id: 9 } }).branch).toBe(
      'fork:master',
    );
    expect(pipeline({ merge_request: null }, { ref: 'v1.0', tag: true }).branch).toBeUndefined();
  });
});

describe('jobs', () => {
  const job = (more: object = {}) => reportOfGitlabJob(JobEvent.parse({ ...documented('job'), ...more }));

  test('a job that was created has not waited yet', () => {
    expect(job()).toMatchObject({
      repository: 'gitlab-org/gitlab-test',
      run_id: '2366',
      commit: '2293ada6b400935a1378653304eaf6221e0fdb8f',
      stages: [{ id: '1977', name: 'test', queued_at: undefined, started_at: undefined, result: undefined }],
    });
  });

  test('a finished job of a GitLab that does not send the project', () => {
    const ended = {
      project: undefined,
      build_status: 'failed',
      build_started_at: '2021-02-23 03:00:00 UTC',
      build_finished_at: '2021-02-23 03:01:00 UTC',
    };
    expect(job(ended)).toMatchObject({
      repository: 'http://192.168.64.1:3005/gitlab-org/gitlab-test',
      stages: [{ result: 'failed', queued_at: '2021-02-23T02:41:44.411Z', finished_at: '2021-02-23T03:01:00.000Z' }],
    });
  });
});
