import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../../../core/domain/slack/commands/duration.ts';
import { plainText } from '../../../../core/domain/slack/commands/text.ts';
import type { ActionRequest } from '../../../../entrances/slack/commands/lookup.ts';
import { helpOf, type Parsed, parseCommand } from '../../../../entrances/slack/commands/parse.ts';
import { COMMANDS } from '../../../../entrances/slack/commands/verb.ts';

const request = (command: string, text: string): ActionRequest => {
  const parsed = parseCommand(command, text);
  if (parsed.kind !== 'request') throw new Error(JSON.stringify(parsed));
  return parsed.request;
};

const usage = (command: string, text: string): Extract<Parsed, { kind: 'usage' }> => {
  const parsed = parseCommand(command, text);
  if (parsed.kind !== 'usage') throw new Error(JSON.stringify(parsed));
  return parsed;
};

type Expected = ActionRequest & Record<string, unknown>;

const RIGHT: [string, string, Expected][] = [
  ['/incident', '', { act: 'declare', title: null }],
  ['/incident', 'declare Checkout is down', { act: 'declare', title: 'Checkout is down' }],
  ['/incident', 'NEW "Checkout is down"', { act: 'declare', title: 'Checkout is down' }],
  ['/incident', 'list', { act: 'list' }],
  ['/incident', '  status ', { act: 'status' }],
  ['/incident', 'sev SEV-1', { act: 'severity', severity: 'SEV-1' }],
  ['/incident', 'severity sev 2', { act: 'severity', severity: 'sev 2' }],
  ['/incident', 'severity', { act: 'severity', severity: null }],
  ['/incident', 'roles', { act: 'roles' }],
  ['/incident', 'take', { act: 'take', role: 'commander' }],
  ['/incident', 'claim comms', { act: 'take', role: 'communications' }],
  ['/incident', 'take incident commander', { act: 'take', role: 'commander' }],
  ['/incident', 'assign scribe <@U024BE7LH|bob>', { act: 'assign', role: 'scribe', user: 'U024BE7LH' }],
  ['/incident', 'assign <@U024BE7LH> comms', { act: 'assign', role: 'communications', user: 'U024BE7LH' }],
  ['/incident', 'handover', { act: 'handover', user: null, brief: null }],
  [
    '/incident',
    'handoff <@U024BE7LH|bob smith> EU is fine, US is not',
    { act: 'handover', user: 'U024BE7LH', brief: 'EU is fine, US is not' },
  ],
  ['/incident', 'update We are on it.', { act: 'update', text: 'We are on it.' }],
  [
    '/incident',
    'note  rolled  back,\nerrors &lt; 1% &amp; falling',
    { act: 'note', text: 'rolled  back,\nerrors < 1% & falling' },
  ],
  ['/incident', 'note reason=unknown', { act: 'note', text: 'reason=unknown' }],
  ['/incident', 'ack', { act: 'acknowledge' }],
  ['/incident', 'resolve', { act: 'resolve', note: null }],
  ['/incident', 'close false alarm', { act: 'resolve', note: 'false alarm' }],
  ['/rollback', 'checkout', { act: 'rollback', service: 'checkout', environment: null, version: null }],
  ['/rollback', 'checkout staging', { act: 'rollback', service: 'checkout', environment: 'staging', version: null }],
  ['/rollback', 'checkout v41', { act: 'rollback', service: 'checkout', environment: null, version: 'v41' }],
  [
    '/rollback',
    'checkout 1.2.3-rc1',
    { act: 'rollback', service: 'checkout', environment: null, version: '1.2.3-rc1' },
  ],
  ['/rollback', 'checkout 4f2a9c1', { act: 'rollback', service: 'checkout', environment: null, version: '4f2a9c1' }],
  [
    '/rollback',
    'checkout production v41',
    { act: 'rollback', service: 'checkout', environment: 'production', version: 'v41' },
  ],
  [
    '/rollback',
    'checkout to=stable env=production',
    { act: 'rollback', service: 'checkout', environment: 'production', version: 'stable' },
  ],
  ['/deploys', 'checkout', { act: 'deploys', service: 'checkout', environment: null }],
  ['/deploys', '"my service" production', { act: 'deploys', service: 'my service', environment: 'production' }],
  ['/firebreak', 'firebreak status', { act: 'firebreak_status' }],
  ['/firebreak', 'pause', { act: 'pause', reason: null }],
  ['/firebreak', 'pause it is wrong', { act: 'pause', reason: 'it is wrong' }],
  ['/firebreak', 'resume', { act: 'resume', reason: null }],
  ['/firebreak', 'status', { act: 'firebreak_status' }],
  ['/firebreak', 'incident ack', { act: 'acknowledge' }],
  ['/firebreak', 'deploys checkout', { act: 'deploys', service: 'checkout', environment: null }],
  ['/firebreak', 'note “Größe” 🔥 <#C024BE7LR|ops>', { act: 'note', text: '“Größe” 🔥 #ops' }],
  ['/acme-incident', 'ack', { act: 'acknowledge' }],
];

test.each(RIGHT)('%s %s', (command, text, expected) => {
  expect(request(command, text)).toEqual(expected);
});

const WRONG: [string, string, string | null][] = [
  ['/incident', 'severty critical', '/incident severity critical'],
  ['/incident', 'hlep', '/incident help'],
  ['/incident', 'hepl me', '/incident help'],
  ['/firebreak', 'hlep', '/firebreak help'],
  ['/freeze', 'hlep', '/freeze help'],
  ['/incident', 'assign scribe mira', '/incident assign scribe @mira'],
  ['/incident', 'assign mira comms', '/incident assign communications @mira'],
  ['/incident', 'sevrity', '/incident severity'],
  ['/incident', 'list foo', '/incident list'],
  ['/incident', 'checkout is down', '/incident declare checkout is down'],
  ['/incident', 'assign scrib <@U024BE7LH|bob>', '/incident assign scribe <@U024BE7LH|bob>'],
  ['/incident', 'assign commander', '/incident assign commander @name'],
  ['/incident', 'handover bob', '/incident handover @name bob'],
  ['/incident', 'leave scrib', '/incident leave scribe'],
  ['/incident', 'take comander', '/incident take commander'],
  ['/incident', 'note', '/incident note TEXT'],
  ['/incident', 'note \u200b', '/incident note TEXT'],
  ['/incident', 'resolve 2', '/incident resolve INC-2'],
  ['/incident', 'resolve #2 fixed', '/incident resolve INC-2 fixed'],
  ['/incident', 'resolve 2: fixed', '/incident resolve INC-2 fixed'],
  ['/incident', 'resolve (#2) fixed', '/incident resolve INC-2 fixed'],
  ['/incident', 'resolve [INC-2] fixed', '/incident resolve INC-2 fixed'],
  ['/incident', 'resolve incident 002 fixed', '/incident resolve INC-2 fixed'],
  ['/incident', 'reopen 2', '/incident reopen INC-2'],
  ['/incident', 'ack #2', '/incident ack INC-2'],
  ['/firebreak', 'pause 2h', null],
  ['/firebreak', 'resume for 2 hours', null],
  ['/rollback', '', null],
  ['/rollback', 'checkout production v1 now', '/rollback checkout'],
  ['/deploys', '', null],
  ['/firebreak', 'puase', '/firebreak pause'],
  ['/firebreak', 'qwertyuiop', null],
  ['/webhook-collect', '', null],
];

test.each(WRONG)('%s %s is wrong: %s', (command, text, suggestion) => {
  expect(usage(command, text).nearest).toBe(suggestion?.trim() ?? null);
});

test('a suggestion is valid, or asks for something only people know', () => {
  const offered = WRONG.flatMap(([, , suggestion]) =>
    suggestion === null || /@\w+|…| help$/.test(suggestion) ? [] : [suggestion],
  );
  const wrong = offered.filter((suggestion) => {
    const [, typed = '', rest = ''] = /^(\S+) ?(.*)$/.exec(suggestion) ?? [];
    return parseCommand(typed, rest).kind !== 'request';
  });
  expect(wrong).toEqual([]);
});

describe('the incident reference', () => {
  const ID = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B';
  const named = (text: string) => {
    const parsed = parseCommand('/incident', text);
    return parsed.kind === 'request' ? { ...parsed.request, incident: parsed.incident } : parsed;
  };

  test.each([
    ['resolve <#C024BE7LR|incident-2611201> it is over', { channel: 'C024BE7LR', name: 'incident-2611201' }],
    ['resolve <#C024BE7LR> it is over', { channel: 'C024BE7LR', name: null }],
    ['resolve <#C024BE7LR|> it is over', { channel: 'C024BE7LR', name: null }],
    ['resolve #incident-2611201 it is over', { channel: null, name: 'incident-2611201' }],
    [`resolve ${ID} it is over`, { id: ID }],
    [`resolve ${ID.toLowerCase()} it is over`, { id: ID }],
    ['<#C024BE7LR|incident-2611201> resolve it is over', { channel: 'C024BE7LR', name: 'incident-2611201' }],
    ['resolve INC-42 it is over', { number: 42 }],
    ['resolve #inc-42 it is over', { number: 42 }],
    ['inc-42 resolve it is over', { number: 42 }],
    ['resolve it is over', null],
  ])('%s', (text, incident) => {
    expect(named(text)).toEqual({ act: 'resolve', note: 'it is over', incident });
  });

  test.each([
    ['1 ack', { act: 'acknowledge', incident: { number: 1 } }],
    ['#1 resolve it is over', { act: 'resolve', note: 'it is over', incident: { number: 1 } }],
    ['1', { act: 'status', incident: { number: 1 } }],
  ])('can be a number alone before the command: %s', (text, expected) => {
    expect(named(text)).toEqual(expected);
  });

  test.each([
    'status',
    'severity critical',
    'ack',
    'take scribe',
    'leave',
    'assign commander <@U024BE7LH>',
    'assign <@U024BE7LH> commander',
    'assign commander @Ada Park',
    'handover <@U024BE7LH>',
  ])('%s accepts a reference as its last word', (text) => {
    expect(parseCommand('/incident', `${text} INC-1`)).toEqual({
      ...parseCommand('/incident', text),
      incident: { number: 1 },
    });
  });

  test.each(['note same as INC-1', 'resolve caused by INC-1', 'handover <@U024BE7LH> see INC-1', 'update as INC-1'])(
    'at the end of a text is part of it: %s',
    (text) => {
      const parsed = parseCommand('/incident', text);
      expect(parsed).toMatchObject({ kind: 'request', incident: null });
      expect(JSON.stringify(parsed)).toMatch(/INC-1"/);
    },
  );

  test.each([
    ['take INC-1 comander', '/incident take INC-1 commander'],
    ['take comander INC-1', '/incident take INC-1 commander'],
    ['assign scrib <@U024BE7LH|bob> #incident-1', '/incident assign #incident-1 scribe <@U024BE7LH|bob>'],
    ['ack INC-1 INC-2', '/incident ack INC-1'],
    ['INC-1 ack please', '/incident ack INC-1'],
  ])('stays in the suggestion for %s', (text, suggestion) => {
    expect(usage('/incident', text).nearest).toBe(suggestion);
  });

  test.each([
    'status',
    'severity critical',
    'ack',
    'roles',
    'take scribe',
    'assign scribe <@U024BE7LH>',
    'handover <@U024BE7LH> x',
    'update x',
    'note x',
    'resolve x',
  ])('%s accepts a reference as its first word', (text) => {
    const [verb = '', ...rest] = text.split(' ');
    const parsed = parseCommand('/incident', `${verb} <#C024BE7LR|incident-1> ${rest.join(' ')}`);
    expect(parsed).toEqual({
      ...parseCommand('/incident', text),
      incident: { channel: 'C024BE7LR', name: 'incident-1' },
    });
  });

  test('a channel alone asks for its status; a declaration refers to no incident', () => {
    expect(named('<#C024BE7LR|incident-1>')).toEqual({
      act: 'status',
      incident: { channel: 'C024BE7LR', name: 'incident-1' },
    });
    expect(named('declare #checkout is down')).toEqual({
      act: 'declare',
      title: '#checkout is down',
      incident: null,
    });
  });

  test('a command can be typed again with a reference', () => {
    const parsed = parseCommand('/incident', 'note <@U1|ada> says “fine”');
    expect(parsed.kind === 'request' && parsed.typed).toEqual({ verb: '/incident note', rest: '@ada says “fine”' });
  });

  test('#1 and similar are ordinary words', () => {
    expect(named('note #1 is fine')).toEqual({ act: 'note', text: '#1 is fine', incident: null });
    for (const note of [
      '2 pods restarted',
      '5xx are gone',
      '100% again',
      '1. fixed 2. deployed',
      '10:30 rolled back',
      '2,5 % only',
      '"503"',
    ])
      expect(named(`resolve ${note}`)).toEqual({ act: 'resolve', note: note.replaceAll('"', ''), incident: null });
    expect(named('note INC1234567 of the vendor')).toMatchObject({ text: 'INC1234567 of the vendor', incident: null });
    expect(named('resolve INC-2? no, DNS')).toMatchObject({ kind: 'usage' });
  });

  test.each(['INC-2:', 'INC-2,', 'INC2', 'inc2.', '(INC-2)', 'INC–2', '#INC-2!'])('%s is INC-2', (reference) => {
    expect(named(`resolve ${reference} fixed`)).toEqual({ act: 'resolve', note: 'fixed', incident: { number: 2 } });
    expect(named(`ack ${reference}`)).toEqual({ act: 'acknowledge', incident: { number: 2 } });
  });
});

test('known environments of a service are distinguished from versions', () => {
  const known = (service: string) => (service === 'checkout' ? ['v2', 'production'] : undefined);
  const place = (text: string) => {
    const parsed = parseCommand('/rollback', text, known);
    return parsed.kind === 'request' ? parsed.request : parsed;
  };
  expect(place('checkout v2')).toMatchObject({ environment: 'v2', version: null });
  expect(place('checkout stable')).toMatchObject({ environment: null, version: 'stable' });
  expect(place('search stable')).toMatchObject({ environment: 'stable', version: null });
});

test.each([
  ['/rollback', 'checkout production 6.4 (3f2a91c)', { environment: 'production', version: '6.4 (3f2a91c)' }],
  ['/rollback', 'checkout 6.4 (3F2A91C)', { environment: null, version: '6.4 (3F2A91C)' }],
  ['/rollback', 'checkout stable (sha256:3f2a91c)', { environment: null, version: 'stable (sha256:3f2a91c)' }],
  ['/rollback', 'checkout qa 2.0 (chart 0.1.4)', { environment: 'qa', version: '2.0 (chart 0.1.4)' }],
  ['/rollback', 'checkout version=2.0 (chart 0.1.4) qa', { environment: 'qa', version: '2.0 (chart 0.1.4)' }],
  ['/rollback', 'checkout to=6.4 (3f2a91c) production', { environment: 'production', version: '6.4 (3f2a91c)' }],
])('a version with its commit needs no quotes: %s %s', (command, text, expected) => {
  expect(parseCommand(command, text)).toMatchObject({ kind: 'request', request: expected });
});

test.each(['pause help', 'resolve ?', 'resolve INC-2 help', 'help pause', 'help resolve'])(
  '/firebreak %s shows the help, and does nothing',
  (text) => {
    const command = text.includes('resolve') ? 'incident' : 'firebreak';
    expect(parseCommand(`/${command}`, text)).toEqual({ kind: 'help', command });
  },
);

test('a service alone is no reason to pause all automation', () => {
  const known = (service: string) => (service === 'checkout' ? ['production'] : undefined);
  for (const less of ['checkout', 'Checkout production', 'checkout for 2 hours', '2h'])
    expect(parseCommand('/firebreak', `pause ${less}`, known)).toMatchObject({
      kind: 'usage',
      because: expect.stringContaining('of all services'),
    });
  for (const reason of ['checkout is down', '5xx', '503', '2 pods fail'])
    expect(parseCommand('/firebreak', `pause ${reason}`, known)).toMatchObject({
      kind: 'request',
      request: { reason },
    });
});

test('a name that Slack takes for an address is the name', () => {
  expect(request('/rollback', '<http://web.example|web.example> production')).toMatchObject({
    service: 'web.example',
    environment: 'production',
  });
});

test('help lists every form, and every form is understood', () => {
  for (const command of COMMANDS) {
    expect(parseCommand(`/${command}`, 'help')).toEqual({ kind: 'help', command: command });
    for (const { typed } of helpOf(command)) {
      const [, name = '', rest = ''] =
        /^(\S+) ?(.*)$/.exec(
          typed
            .replaceAll(/[[\]]/g, '')
            .replace('LEVEL', 'critical')
            .replace('ROLE', 'scribe')
            .replace('@USER', '<@U024BE7LH|bob>')
            .replaceAll('|TEAM', '')
            .replaceAll('|SERVICE', '')
            .replaceAll('|hold|abort', ''),
        ) ?? [];
      expect(parseCommand(name, rest)).toMatchObject({ kind: 'request' });
    }
  }
});

test.each([
  ['<@U1|ada> &amp; <@U2>', '@ada & @U2'],
  ['<#C1|ops> <!here> <!subteam^S1|@sre>', '#ops @here @sre'],
  [
    '<https://x.example|x> <https://x.example> <https://x.example|x.example>',
    'x (https://x.example) https://x.example https://x.example',
  ],
  ['&amp;lt;', '&lt;'],
  ['a < b', 'a < b'],
])('%s is read as %s', (text, read) => {
  expect(plainText(text)).toBe(read);
});

test.each([
  ['2h', 7200],
  ['2h30m', 9000],
  ['2h 30m', 9000],
  ['90min', 5400],
  ['1d', 86_400],
  ['1 day', 86_400],
  ['2weeks', 1_209_600],
  ['52w', 52 * 7 * 86_400],
  ['half an hour', 1800],
  ['2H', 7200],
  ['0.5 h', 1800],
])('%s lasts %s seconds', (text, seconds) => {
  expect(parseDuration(text)).toEqual({ seconds });
});

test.each([
  ['0m', /shorter than a second/],
  ['0h0m', /shorter than a second/],
  ['-5m', /negative/],
  ['99999w', /longer than a year/],
  ['9'.repeat(400) + 'w', /longer than a year/],
  ['2', /is not a duration/],
  ['h2', /is not a duration/],
  ['checkout', /is not a duration/],
  ['2h tomorrow', /is not a duration/],
])('%s is not a duration', (text, why) => {
  expect(parseDuration(text)).toEqual({ problem: expect.stringMatching(why) });
});
