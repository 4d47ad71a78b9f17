import { changeId, replayOf } from './replay.ts';

const id = 'knight-2012-08-01';

export const knight2012 = replayOf({
  title: 'Knight Capital 2012-08-01: a flag with an old meaning',
  source: {
    title: 'In the Matter of Knight Capital Americas LLC, Release No. 70694',
    publisher: 'U.S. Securities and Exchange Commission',
    date: '2013-10-16',
    url: 'https://www.sec.gov/litigation/admin/2013/34-70694.pdf',
  },
  facts: [
    'new code for the order router had been put on seven of eight servers in the days before; one kept the old code',
    'a flag that the new code gave a new meaning switched on, on the eighth, what had not been used for years',
    'from the opening of the market, 9:30 in New York (13:30 UTC), it sent orders without end, for 45 minutes',
    'to address it, the new code was taken off the seven servers, and they did the same from then on',
  ],
  assumed: [
    'orders beyond what was asked for count as errors',
    'the flag is recorded at 13:29; by version, the old code has an eighth of the traffic',
  ],
  label: { cause: changeId(id, 0), right: 'roll_back' },
  why: 'The flag had to go off. To roll back the code is what they did, and it made it eight times as bad.',
  incident: {
    id,
    day: '2012-08-01',
    service: 'order-router',
    alert: { at: '13:32', forSeconds: 60, intervalSeconds: 30 },
    at: '13:32:30',
    errors: {
      max: 0.01,
      points: [
        ['13:30', 0.0001],
        ['13:30:30', 0.12],
      ],
    },
    traffic: [
      ['13:29', 0.8],
      ['13:31', 1],
    ],
    versions: [
      { version: 'with-power-peg', value: 0.97, share: 0.125 },
      { version: 'last-good', value: 0.0002, share: 0.875 },
    ],
    changes: [
      {
        service: 'order-router',
        relation: 'same',
        kind: 'flag',
        version: 'retail-liquidity-on',
        startedAt: '13:29',
        finishedAt: '13:29:01',
      },
    ],
  },
});
