import { expect, test } from 'vitest';
import { readTerraformNotification } from '../../../vendors/terraform/notification.ts';
import { received } from '../../support/webhooks.ts';

const read = (name: string, changed?: (payload: any) => unknown) =>
  readTerraformNotification(received(`terraform/${name}`, changed));
const RUN = 'run-FwnENkvDnrpyFC7M';
const about = {
  source: 'terraform',
  key: RUN,
  subject: { terraformWorkspace: 'acme-org/my-workspace' },
  kind: 'infrastructure',
};

test('an apply is a change of the infrastructure from its start to its end', () => {
  expect(read('run-applying')).toEqual({
    reports: [
      {
        ...about,
        at: '2019-01-25T18:35:10.000Z',
        status: 'started',
        started_at: '2019-01-25T18:35:10.000Z',
        version: RUN,
        author: 'sample-user',
        url: `https://app.terraform.io/app/acme-org/my-workspace/runs/${RUN}`,
      },
    ],
  });
  expect(read('run-applied')).toMatchObject({
    reports: [{ ...about, at: '2019-01-25T18:36:30.000Z', status: 'succeeded', version: RUN }],
  });
});

test('what has no time happened when it was received', () => {
  const [zero, at] = ['0001-01-01T00:00:00Z', '2026-11-22T16:00:00.000Z'];
  const ofRun = (run: any) => ({
    ...run,
    notifications: run.notifications.map((one: object) => ({ ...one, run_updated_at: zero })),
  });
  expect(read('run-applying', ofRun)).toMatchObject({ reports: [{ at, started_at: at }] });
  const drift = read('drifted', (sent) => {
    sent.details.new_assessment_result.created_at = zero;
    return sent;
  });
  expect(drift).toMatchObject({ reports: [{ at, started_at: at }] });
});

test('a failed run has no version of its own, because its plan may have failed', () => {
  expect(read('run-errored')).toEqual({ reports: [{ ...about, at: '2019-01-25T18:36:40.000Z', status: 'failed' }] });
  expect(read('run-canceled')).toEqual({
    reports: [{ ...about, at: '2019-01-25T18:37:04.000Z', status: 'cancelled' }],
  });
});

test('a drift is a change of the configuration', () => {
  expect(read('drifted')).toMatchObject({
    reports: [
      { source: 'drift', key: 'terraform asmtres-vRVQxpqq64EA9V5a', kind: 'config', at: '2022-06-09T05:23:10.000Z' },
    ],
  });
  expect(read('drifted', (payload) => ({ ...payload, trigger: 'assessment:check_failure' }))).toEqual({
    ignored: 'assessment:check_failure: no drift',
  });
});

test('the verification and runs that apply nothing are ignored, with the reason', () => {
  expect(read('verification')).toEqual({ ignored: 'verification: the notification works' });
  expect(read('run-without-changes')).toEqual({ ignored: 'run:completed (planned_and_finished): nothing was applied' });
});

test('a notification of a newer version cannot be read', () => {
  expect(read('run-applied', (payload) => ({ ...payload, payload_version: 3 }))).toEqual({
    unreadable: expect.stringMatching(/^notification of HCP Terraform: .*payload_version/s),
  });
});
