import { changeId, replayOf } from './replay.ts';

const id = 'aws-s3-2017-02-28';

export const awsS32017 = replayOf({
  title: 'Amazon S3 2017-02-28: too many servers removed',
  source: {
    title: 'Summary of the Amazon S3 Service Disruption in the Northern Virginia (US-EAST-1) Region',
    publisher: 'Amazon Web Services',
    date: '2017-03-02',
    url: 'https://aws.amazon.com/message/41926/',
  },
  facts: [
    'at 9:37 PST (17:37 UTC) a command of a playbook removed more servers than it was meant to',
    'they carried the index subsystem, which every GET, LIST, PUT and DELETE needs, and the placement subsystem',
    'both had to be restarted as a whole; requests were served again from 12:26, and all was normal at 13:54 PST',
  ],
  assumed: ['the command is recorded as a change of infrastructure of the index', 'nearly all requests fail'],
  label: { cause: changeId(id, 0), right: 'ask' },
  why: 'It is the cause, but no automatic rollback is possible: the subsystems had to be restarted.',
  incident: {
    id,
    day: '2017-02-28',
    service: 's3-api',
    alert: { at: '17:40', forSeconds: 60, intervalSeconds: 30 },
    at: '17:40:40',
    errors: {
      max: 0.01,
      points: [
        ['17:37', 0.0002],
        ['17:38', 0.5],
        ['17:39', 0.97],
      ],
    },
    traffic: [['16:00', 1]],
    changes: [
      {
        service: 's3-index',
        relation: 'shared',
        kind: 'infrastructure',
        version: 'remove-servers',
        startedAt: '17:37',
        finishedAt: '17:37:30',
      },
    ],
    failing: [
      { service: 's3-index', since: '17:37:30', relation: 'dependency' },
      { service: 'ec2-launches', since: '17:39', relation: 'dependent' },
      { service: 'lambda', since: '17:39', relation: 'dependent' },
    ],
  },
});
