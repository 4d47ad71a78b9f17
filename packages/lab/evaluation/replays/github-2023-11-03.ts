import { changeId, replayOf } from './replay.ts';

const id = 'github-2023-11-03';

export const github2023 = replayOf({
  title: 'GitHub 2023-11-03: memory leak in the authorization service',
  source: {
    title: 'GitHub Availability Report: November 2023',
    publisher: 'GitHub',
    date: '2023-12',
    url: 'https://github.blog/news-insights/company-news/github-availability-report-november-2023/',
  },
  facts: [
    'the change of the authorization service was in production at 18:37',
    'pods crashed again and again from 18:42, under high load; alerts came at 18:44',
    'most pages and API requests failed with it, until 19:20; the rollback was done at 19:08',
  ],
  assumed: ['the roll-out took four minutes', 'versions are not told apart', 'when the callers began to fail'],
  label: { cause: changeId(id, 0), right: 'roll_back' },
  why: 'The rollback is what ended it; it came 24 minutes after the alert, since people had to do it by hand.',
  incident: {
    id,
    day: '2023-11-03',
    service: 'authorization',
    alert: { at: '18:44', forSeconds: 60, intervalSeconds: 30 },
    at: '18:44:40',
    errors: {
      max: 0.01,
      points: [
        ['18:41:30', 0.001],
        ['18:42:30', 0.15],
        ['18:44', 0.6],
      ],
    },
    traffic: [['17:00', 1]],
    changes: [
      {
        service: 'authorization',
        relation: 'same',
        kind: 'deploy',
        version: 'authz-optimised',
        startedAt: '18:33',
        finishedAt: '18:37',
      },
    ],
    failing: [
      { service: 'web', since: '18:42:30', relation: 'dependent' },
      { service: 'api', since: '18:43', relation: 'dependent' },
    ],
  },
});
