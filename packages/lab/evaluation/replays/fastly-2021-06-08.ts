import { replayOf } from './replay.ts';

export const fastly2021 = replayOf({
  title: "Fastly 2021-06-08: a customer's setting meets an old bug",
  source: {
    title: 'Summary of June 8 outage',
    publisher: 'Fastly',
    date: '2021-06-08',
    url: 'https://www.fastly.com/blog/summary-of-june-8-outage',
  },
  facts: [
    'software with the bug was deployed from May 12; nothing happened for four weeks',
    'on June 8 at 09:47 a valid change of a customer’s configuration met it, and 85 % of the network returned errors',
    'monitoring saw it at 09:48; the configuration was found at 10:27 and disabled, services recovered from 10:36',
  ],
  assumed: [
    'what customers configure is not recorded as a change of the network',
    'a routine deploy of the edge at 09:20, done at 09:28, which had nothing to do with it',
  ],
  label: { cause: null, right: 'do_not_roll_back' },
  why: 'The deploy at hand was innocent, the bad one four weeks old; disabling one configuration is what helped.',
  incident: {
    id: 'fastly-2021-06-08',
    day: '2021-06-08',
    service: 'edge',
    alert: { at: '09:48:30', forSeconds: 30, intervalSeconds: 15 },
    at: '09:49',
    errors: {
      max: 0.01,
      points: [
        ['09:46:50', 0.001],
        ['09:47:20', 0.85],
      ],
    },
    traffic: [['08:00', 1]],
    changes: [
      {
        service: 'edge',
        relation: 'same',
        kind: 'deploy',
        version: 'edge-routine',
        startedAt: '09:20',
        finishedAt: '09:28',
      },
    ],
  },
});
