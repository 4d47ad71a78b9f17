import { changeId, replayOf } from './replay.ts';

const id = 'reddit-2023-03-14';

export const reddit2023 = replayOf({
  title: 'Reddit 2023-03-14: a cluster is upgraded',
  source: {
    title: 'You Broke Reddit: The Pi-Day Outage',
    publisher: 'Reddit',
    date: '2023-03-21',
    url: 'https://www.reddit.com/r/RedditEng/comments/11xx5o0/you_broke_reddit_the_piday_outage/',
  },
  facts: [
    'just after 19:00 UTC an upgrade of Kubernetes from 1.23 to 1.24 was begun on one large cluster',
    'within minutes the whole site came to a halt; routes between nodes were gone with a label that 1.24 removes',
    'no rollback is supported; a backup was restored, and the outage took 314 minutes',
  ],
  assumed: [
    'the upgrade is recorded at 19:00, as going on',
    'a deploy of the web tier at 18:40, done at 18:50',
    'the halt at 19:03',
  ],
  label: { cause: changeId(id, 0), right: 'ask' },
  why: 'It is the upgrade, but recovery requires a restore from backup, which must not start automatically.',
  incident: {
    id,
    day: '2023-03-14',
    service: 'web',
    alert: { at: '19:05', forSeconds: 60, intervalSeconds: 30 },
    at: '19:05:30',
    errors: {
      max: 0.01,
      points: [
        ['19:03', 0.002],
        ['19:04', 0.98],
      ],
    },
    traffic: [['17:30', 1]],
    changes: [
      {
        service: 'main-cluster',
        relation: 'shared',
        kind: 'infrastructure',
        version: 'kubernetes-1.24',
        startedAt: '19:00',
        finishedAt: null,
      },
      { service: 'web', relation: 'same', kind: 'deploy', version: 'web-1', startedAt: '18:40', finishedAt: '18:50' },
    ],
    failing: [
      { service: 'feed', since: '19:03:30', relation: 'unrelated' },
      { service: 'graphql', since: '19:03:30', relation: 'dependency' },
    ],
  },
});
