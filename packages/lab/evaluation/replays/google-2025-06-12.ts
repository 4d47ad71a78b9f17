import { changeId, replayOf } from './replay.ts';

const id = 'google-2025-06-12';

export const google2025 = replayOf({
  title: 'Google Cloud 2025-06-12: a policy with empty fields',
  source: {
    title: 'Multiple GCP products are experiencing Service issues: incident report',
    publisher: 'Google Cloud',
    date: '2025-06-13',
    url: 'https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW',
  },
  facts: [
    'code for further quota checks had been released to Service Control from May 29, region by region, never exercised',
    'at about 10:45 PDT (17:45 UTC) a change of policy with blank fields was stored, and everywhere within seconds',
    'Service Control crashed in all regions, again and again; API requests failed with 503',
    'the cause was found within ten minutes, and the path was switched off with a red button',
  ],
  assumed: [
    'the change of policy is recorded as configuration of Service Control',
    'the impact from 17:49, the alert at 17:51',
  ],
  label: { cause: changeId(id, 0), right: 'ask' },
  why: 'It triggered it, but what helped was to switch off the path that reads it; and the code was two weeks old.',
  incident: {
    id,
    day: '2025-06-12',
    service: 'service-control',
    alert: { at: '17:51', forSeconds: 60, intervalSeconds: 30 },
    at: '17:51:30',
    errors: {
      max: 0.01,
      points: [
        ['17:48:30', 0.0005],
        ['17:49:30', 0.4],
        ['17:51', 0.9],
      ],
    },
    traffic: [['16:00', 1]],
    changes: [
      {
        service: 'service-control',
        relation: 'same',
        kind: 'config',
        version: 'policy-2025-06-12',
        startedAt: '17:45',
        finishedAt: '17:45:10',
      },
    ],
    failing: [
      { service: 'compute-api', since: '17:49:30', relation: 'dependent' },
      { service: 'storage-api', since: '17:49:30', relation: 'dependent' },
      { service: 'iam', since: '17:50', relation: 'dependent' },
    ],
  },
});
