import { expect, test } from 'vitest';
import type { ActionRequest } from '../../../../entrances/slack/commands/lookup.ts';
import { parseCommand } from '../../../../entrances/slack/commands/parse.ts';

type Expected = ActionRequest & Record<string, unknown>;

const RIGHT: [string, string, Expected][] = [
  ['/freeze', 'status', { act: 'freeze_status', service: null }],
  ['/freeze', 'status checkout', { act: 'freeze_status', service: 'checkout' }],
  [
    '/freeze',
    'open checkout 2h30m load test',
    { act: 'freeze_open', targets: ['checkout'], environment: null, seconds: 9000, reason: 'load test' },
  ],
  [
    '/freeze',
    'open checkout,search env=production reason="black friday"',
    {
      act: 'freeze_open',
      targets: ['checkout', 'search'],
      environment: 'production',
      seconds: null,
      reason: 'black friday',
    },
  ],
  [
    '/freeze',
    'open team=payments for=1d audit',
    { act: 'freeze_open', targets: ['team:payments'], environment: null, seconds: 86_400, reason: 'audit' },
  ],
  ['/freeze', 'open', { act: 'freeze_open', targets: [], environment: null, seconds: null, reason: null }],
  [
    '/freeze',
    'open env=production 30m black friday',
    { act: 'freeze_open', targets: [], environment: 'production', seconds: 1800, reason: 'black friday' },
  ],
  [
    '/freeze',
    'open env=production reason="black friday"',
    { act: 'freeze_open', targets: [], environment: 'production', seconds: null, reason: 'black friday' },
  ],
  ...(
    [
      ['open checkout 2 hours load test', 7200],
      ['open checkout for 2 hours load test', 7200],
      ['open checkout 2h 30m load test', 9000],
      ['open checkout 1 hour and 30 minutes load test', 5400],
      ['open checkout 1.5h load test', 5400],
      ['open checkout 30 min load test', 1800],
      ['open checkout 1 day load test', 86_400],
      ['open checkout an hour load test', 3600],
      ['open checkout for="2 hours" load test', 7200],
      ['open checkout load test for 2 hours', 7200],
      ['open checkout load test 2h', 7200],
      ['open checkout two hours load test', 7200],
      ['open checkout a couple of hours load test', 7200],
      ['open checkout half a day load test', 43_200],
      ['open checkout forty-five minutes load test', 2700],
      ['open checkout an hour and a half load test', 5400],
      ['open checkout load test twenty minutes', 1200],
      ['open checkout load test', null],
    ] as const
  ).map(([text, seconds]): [string, string, Expected] => [
    '/freeze',
    text,
    { act: 'freeze_open', targets: ['checkout'], environment: null, seconds, reason: 'load test' },
  ]),
  [
    '/freeze',
    'open checkout reason="5xx after the deploy"',
    { act: 'freeze_open', targets: ['checkout'], environment: null, seconds: null, reason: '5xx after the deploy' },
  ],
  ['/freeze', 'unfreeze checkout it is over', { act: 'freeze_lift', freeze: 'checkout', reason: 'it is over' }],
  [
    '/freeze',
    'override frz_1 fix for login for 2 hours',
    { act: 'freeze_override', freeze: 'frz_1', reason: 'fix for login', uses: null, seconds: 7200, version: null },
  ],
  ['/freeze', 'lift frz_1 it is over', { act: 'freeze_lift', freeze: 'frz_1', reason: 'it is over' }],
  [
    '/freeze',
    'override frz_1 fix for login uses=2 2h',
    { act: 'freeze_override', freeze: 'frz_1', reason: 'fix for login', uses: 2, seconds: 7200, version: null },
  ],
  [
    '/firebreak',
    'freeze checkout-api 2h reason="budget burnt" <@U024BE7LH|bob>',
    {
      act: 'freeze_open',
      targets: ['checkout-api'],
      environment: null,
      seconds: 7200,
      reason: 'budget burnt @bob',
    },
  ],
];

test.each(RIGHT)('%s %s', (command, text, expected) => {
  expect(parseCommand(command, text)).toMatchObject({ kind: 'request', request: expected });
});

const WRONG: [string, string, string][] = [
  ['/freeze', 'unfreeze checkout', '/freeze lift checkout REASON'],
  ['/freeze', 'unfreze checkout over', '/freeze lift checkout over'],
  ...['0m', '-5m', '99999w', '0 minutes', '2 fortnights', '1y', '5', '2hh', 'tonight', 'until 5pm', '2h-30m'].map(
    (length): [string, string, string] => [
      '/freeze',
      `open checkout ${length} load test`,
      '/freeze open checkout 2h …',
    ],
  ),
  ['/freeze', 'open checkout a few hours load test', '/freeze open checkout 2h …'],
  ['/freeze', 'open checkout seventeen hours load test', '/freeze open checkout 2h …'],
  ['/freeze', 'open checkout load test for some days', '/freeze open checkout 2h …'],
  ['/freeze', 'open checkout load test 1h please', '/freeze open checkout 1h …'],
  ['/freeze', 'override frz_1 fix 0m', '/freeze override frz_1 REASON uses=1 2h'],
  ['/freeze', 'override frz_1 fix -5m', '/freeze override frz_1 REASON uses=1 2h'],
  ['/freeze', 'open checkout for=99999w test', '/freeze open checkout 2h …'],
  ['/freeze', 'checkout', '/freeze open checkout'],
  ['/freeze', 'opne checkout', '/freeze open checkout'],
  ['/freeze', 'lift', '/freeze lift ID REASON'],
  ['/freeze', 'lift checkout', '/freeze lift checkout REASON'],
  ['/freeze', 'open checkout for=soon test', '/freeze open checkout 2h …'],
  ['/freeze', 'override frz_1 reason uses=many', '/freeze override frz_1 REASON uses=1 2h'],
  ['/firebreak', 'frezee status', '/firebreak freeze status'],
];

test.each(WRONG)('%s %s is wrong: %s', (command, text, suggestion) => {
  expect(parseCommand(command, text)).toMatchObject({ kind: 'usage', nearest: suggestion });
});

test('a suggestion is valid, or asks for something only people know', () => {
  const wrong = WRONG.flatMap(([, , suggestion]) => {
    const [, typed = '', rest = ''] = /^(\S+) ?(.*)$/.exec(suggestion) ?? [];
    return suggestion.includes('…') || parseCommand(typed, rest).kind === 'request' ? [] : [suggestion];
  });
  expect(wrong).toEqual([]);
});

test.each([
  ['override frz_1 version=6.4 (3f2a91c) fix 2h', { version: '6.4 (3f2a91c)', reason: 'fix', seconds: 7200 }],
  ['override frz_1 fixed in 6.4 (3f2a91c) 2h', { reason: 'fixed in 6.4 (3f2a91c)', seconds: 7200 }],
])('a version with its commit needs no quotes: /freeze %s', (text, expected) => {
  expect(parseCommand('/freeze', text)).toMatchObject({ kind: 'request', request: expected });
});

test.each([
  [
    'open checkout production 2h (4512345) migration',
    { targets: ['checkout'], environment: 'production', seconds: 7200, reason: '(4512345) migration' },
  ],
  ['open checkout (1234567) 2h', { targets: ['checkout'], environment: '(1234567)', seconds: 7200 }],
  ['open checkout for=2h (4512345) migration', { seconds: 7200, reason: '(4512345) migration' }],
  ['override frz_1 2h (4512345) migration', { freeze: 'frz_1', seconds: 7200, reason: '(4512345) migration' }],
  ['override frz_1 version=6.4 2h (4512345)', { version: '6.4', seconds: 7200, reason: '(4512345)' }],
])('a number in parentheses is no part of a word that is no version: /freeze %s', (text, expected) => {
  expect(parseCommand('/freeze', text)).toMatchObject({ kind: 'request', request: expected });
});
