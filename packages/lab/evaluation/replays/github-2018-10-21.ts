import { replayOf } from './replay.ts';

export const github2018 = replayOf({
  title: 'GitHub 2018-10-21: 43 seconds without the network',
  source: {
    title: 'October 21 post-incident analysis',
    publisher: 'GitHub',
    date: '2018-10-30',
    url: 'https://github.blog/2018-10-30-oct21-post-incident-analysis/',
  },
  facts: [
    'at 22:52 UTC maintenance of optical equipment disconnected a data center for 43 seconds',
    'databases elected primaries on the other coast, and could not fail back: each side had its own writes',
    'monitoring alerted from 22:54; at 23:07 deploys were locked, so that nothing else would change',
  ],
  assumed: [
    'maintenance of the network is not recorded as a change',
    'a deploy of the application from 22:30 to 22:38',
    'monitoring covers the databases and shows their failure',
  ],
  label: { cause: null, right: 'do_not_roll_back' },
  why: 'The application was not the cause. People rightly locked all deploys.',
  incident: {
    id: 'github-2018-10-21',
    day: '2018-10-21',
    service: 'github-web',
    alert: { at: '22:54', forSeconds: 60, intervalSeconds: 30 },
    at: '22:54:40',
    errors: {
      max: 0.01,
      points: [
        ['22:52', 0.001],
        ['22:52:30', 0.5],
        ['22:53:30', 0.25],
      ],
    },
    traffic: [['21:00', 1]],
    changes: [
      {
        service: 'github-web',
        relation: 'same',
        kind: 'deploy',
        version: 'web-1',
        startedAt: '22:30',
        finishedAt: '22:38',
      },
    ],
    failing: [
      { service: 'mysql-main', since: '22:52', relation: 'dependency' },
      { service: 'webhooks', since: '22:53', relation: 'unrelated' },
    ],
  },
});
