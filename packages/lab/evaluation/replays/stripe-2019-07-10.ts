import { replayOf } from './replay.ts';

export const stripe2019 = replayOf({
  title: 'Stripe 2019-07-10: a database elects no primary',
  source: {
    title: 'Root cause analysis: significantly elevated error rates on 2019-07-10',
    publisher: 'Stripe',
    date: '2019-07-12',
    url: 'https://stripe.com/rcas/2019-07-10',
  },
  facts: [
    'databases had been upgraded three months before; two nodes had been stalled for four days',
    'at 16:35 the primary of one cluster failed, and no other could be elected; people were alerted at 16:36',
    'most API requests failed; the cluster was restarted at 17:00, and at 17:02 the API had recovered',
    'the version of the database was rolled back later that day, and that brought the second outage, at 21:14',
  ],
  assumed: ['a deploy of the API at 16:20, done at 16:27', 'the cluster is watched, and seen to fail'],
  label: { cause: null, right: 'do_not_roll_back' },
  why: 'A dependency failed. The rollback that was made, of another thing, on a guess, made a second outage.',
  incident: {
    id: 'stripe-2019-07-10',
    day: '2019-07-10',
    service: 'api',
    alert: { at: '16:36:30', forSeconds: 30, intervalSeconds: 30 },
    at: '16:37',
    errors: {
      max: 0.01,
      points: [
        ['16:35', 0.0005],
        ['16:35:30', 0.3],
        ['16:36:30', 0.7],
      ],
    },
    traffic: [['15:00', 1]],
    changes: [
      { service: 'api', relation: 'same', kind: 'deploy', version: 'api-1', startedAt: '16:20', finishedAt: '16:27' },
    ],
    failing: [{ service: 'database-cluster', since: '16:35', relation: 'dependency' }],
  },
});
