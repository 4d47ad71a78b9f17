import { changeId, replayOf } from './replay.ts';

const id = 'honeycomb-2019-07-09';

export const honeycomb2019 = replayOf({
  title: 'Honeycomb 2019-07-09: a build without its executable',
  source: {
    title: "Incident Review: You Can't Deploy Binaries That Don't Exist",
    publisher: 'Honeycomb',
    date: '2019-07-12',
    url: 'https://www.honeycomb.io/blog/incident-review-you-cant-deploy-binaries-that-dont-exist',
  },
  facts: [
    'an artifact without one of its executables was deployed to the API servers',
    'from 22:50 to 22:54 one server after the other went out of rotation, until every request failed',
    'at 23:02 the API was at full capacity again',
  ],
  assumed: [
    'the roll-out was recorded at 22:49:30, and as going on until 22:54',
    'requests that no server took count as failed; versions are not told apart',
  ],
  label: { cause: changeId(id, 0), right: 'roll_back' },
  why: 'What ran before was good, and every further server made it worse.',
  incident: {
    id,
    day: '2019-07-09',
    service: 'api',
    alert: { at: '22:52', forSeconds: 60, intervalSeconds: 30 },
    at: '22:52:30',
    errors: {
      max: 0.01,
      points: [
        ['22:50', 0.0005],
        ['22:54', 1],
      ],
    },
    traffic: [['20:00', 1]],
    changes: [
      {
        service: 'api',
        relation: 'same',
        kind: 'deploy',
        version: 'build-without-binary',
        startedAt: '22:49:30',
        finishedAt: '22:54',
      },
    ],
  },
});
