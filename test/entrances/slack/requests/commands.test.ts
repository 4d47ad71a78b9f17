import { afterEach, describe, expect, test, vi } from 'vitest';
import { SlackRefused } from '../../../../vendors/slack/minimal-client.ts';
import { ChangeId, EnvironmentName, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { PeopleFile } from '../../../../schemas/people/people.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import type { RecentChange } from '../../../../core/domain/ports/slack.ts';
import { COMMAND, INCIDENT, shown, World } from '../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('immediate answers', () => {
  test.each([
    ['/firebreak', ''],
    ['/firebreak', 'help'],
  ])('%s %s shows all commands', async (command, text) => {
    const world = new World();
    const help = shown(await world.command(command, text));
    for (const one of ['/incident declare', '/rollback SERVICE', '/freeze open', '/deploys', '/firebreak pause'])
      expect(help).toContain(one);
    expect(world.heard).toEqual([]);
  });

  test.each([
    ['/incident', 'severty critical', '/incident severity critical'],
    ['/incident', 'checkout is down', '/incident declare checkout is down'],
    ['/firebreak', 'puase', '/firebreak pause'],
    ['/freeze', 'lift checkout', '/freeze lift checkout'],
  ])('%s %s suggests %s', async (command, text, suggestion) => {
    const world = new World();
    const said = shown(await world.command(command, text));
    expect(said).toContain('Nothing was done');
    expect(said).toContain(suggestion);
    expect(world.heard).toEqual([]);
    expect(world.views).toEqual([]);
  });

  test('/rollback without a service lists failing services, without an example', async () => {
    const world = new World();
    const said = shown(await world.command('/rollback', ''));
    expect(said).toContain('Nothing was done');
    for (const { service, environment, title } of world.incidents)
      expect(said).toContain(
        `/rollback ${service} ${environment}\`: ${title.replaceAll('<', '&lt;').replaceAll('>', '&gt;')}`,
      );
    expect(said).toContain('/deploys SERVICE');
    const calm = new World();
    calm.incidents = [];
    expect(shown(await calm.command('/rollback', ''))).not.toMatch(/Did you mean|Failing now/);
    expect(world.heard).toEqual([]);
  });

  test('/rollback without a service lists deploys of the last two hours that are still running', async () => {
    const world = new World();
    world.incidents = [];
    const deploy = (service: string, minutes: number, more: Partial<RecentChange> = {}): RecentChange => ({
      service: ServiceName.parse(service),
      environment: EnvironmentName.parse('production'),
      version: Version.parse('v7'),
      kind: 'deploy',
      status: 'succeeded',
      started_at: timestamp(world.now - minutes * 60_000),
      rolled_back_by: null,
      ...more,
    });
    world.changes = [
      deploy('payments-api', 20),
      deploy('checkout-api', 119),
      deploy('old', 121),
      deploy('failed', 5, { status: 'failed' }),
      deploy('back', 4, { kind: 'rollback' }),
      deploy('back', 30),
      deploy('undone', 30, { rolled_back_by: ChangeId.parse(`chg_${'0'.repeat(26)}`) }),
      deploy('flagged', 3, { kind: 'flag' }),
    ];
    const said = shown(await world.command('/rollback', ''));
    expect(said).toContain('Recently deployed:');
    expect(said).toMatch(
      /\/rollback payments-api production`: v7, deployed [^]*\/rollback checkout-api production`: v7/,
    );
    expect(said).not.toMatch(/Failing now|rollback (old|failed|back|undone|flagged) /);
    world.incidents = [INCIDENT];
    expect(shown(await world.command('/rollback', '')).split('/rollback checkout-api production')).toHaveLength(2);
  });

  test('entered text never becomes formatting, a mention, or a link', async () => {
    const said = await new World().command('/incident', 'list <!channel> *x* <https://evil.example|docs>');
    expect(said.body).not.toContain('<!channel>');
    expect(said.body).not.toContain('<https://evil.example');
  });
});

describe('modals', () => {
  test.each([
    ['/incident', '', 'declare_incident'],
    ['/incident', 'declare Checkout is down', 'declare_incident'],
    ['/incident', 'severity', 'set_severity'],
    ['/incident', 'update', 'publish_update'],
    ['/incident', 'handover <@U024BE7LH|bob>', 'hand_over'],
    ['/incident', 'resolve', 'resolve_incident'],
    ['/freeze', 'open checkout-api', 'open_freeze'],
    ['/freeze', 'override', 'override_freeze'],
  ])('%s %s opens one with its context', async (command, text, callback) => {
    const world = new World();
    expect(await world.command(command, text)).toMatchObject({ status: 200, body: '' });
    expect(world.heard).toEqual([]);
    const [{ trigger, view } = { trigger: '', view: undefined }] = world.views;
    expect(trigger).toBe(COMMAND.trigger_id);
    expect(view).toMatchObject({ type: 'modal', callback_id: callback });
    expect(JSON.parse(view?.private_metadata ?? '')).toMatchObject({
      channel: COMMAND.channel_id,
      response_url: COMMAND.response_url,
    });
  });

  test.each([
    ['expired_trigger_id', 'three seconds'],
    ['no_answer', 'try again'],
    ['not_connected', 'SLACK_BOT_TOKEN'],
    ['missing_scope', 'missing_scope'],
  ])('%s is reported in the answer to the command', async (code, words) => {
    const world = new World();
    world.deps.slack.openView = async () => {
      throw new SlackRefused('views.open', code);
    };
    const said = shown(await world.command('/incident', ''));
    expect(said).toContain(words);
    expect(said).toContain('Nothing was done');
    expect(said).not.toContain('You entered');
    // The answer repeats the entered text, because no dialog shows it.
    expect(shown(await world.command('/incident', 'declare Charged &lt;twice&gt;'))).toContain(
      'You entered `/incident declare Charged &lt;twice&gt;`',
    );
    expect(shown(await world.command('/incident', `declare ${'x'.repeat(1980)}😀😀`))).toContain('x…`');
  });

  test('names are entered as text if the catalogue cannot be read', async () => {
    const world = new World();
    world.deps.catalogue = async () => {
      throw new Error('S3 is away');
    };
    await world.command('/incident', '');
    expect(JSON.stringify(world.views)).not.toContain('external_select');
    expect(world.views).toHaveLength(1);
  });
});

const ELSEWHERE = { channel_id: 'C0GENERAL', channel_name: 'general' };
const OTHER = {
  ...INCIDENT,
  id: '01JCYZ7Q8M3N5P7R9T1V3X5Z7C' as typeof INCIDENT.id,
  service: 'search' as typeof INCIDENT.service,
  title: 'Slow',
  channel: '#inc-43-search',
  channel_id: 'C0OTHER43',
};

const about = (view: object | undefined) =>
  JSON.parse((view as { private_metadata: string }).private_metadata) as { incident: string | null };

/** Returns the first field of a modal, with its options and selection. */
function firstField(view: object | undefined) {
  const [block] = (view as { blocks: { block_id: string; element: Record<string, any> }[] }).blocks;
  const { options, initial_option: initial } = block?.element ?? {};
  return {
    field: block?.block_id,
    offered: options?.map(({ value }: { value: string }) => value),
    chosen: initial?.value ?? block?.element['initial_value'],
  };
}

describe('the incident of a dialog', () => {
  test.each(['severity', 'update', 'handover', 'resolve'])(
    '%s: is the one of the channel, without a question',
    async (verb) => {
      const world = new World();
      await world.command('/incident', verb, { channel_name: 'privategroup' });
      expect(about(world.views[0]?.view)).toMatchObject({ incident: INCIDENT.id });
      expect(firstField(world.views[0]?.view).field).not.toBe('incident');
    },
  );

  test.each(['severity', 'update', 'handover', 'resolve'])('%s: is selected in the dialog elsewhere', async (verb) => {
    const world = new World();
    world.incidents = [INCIDENT, OTHER, { ...OTHER, parent_id: INCIDENT.id }];
    await world.command('/incident', verb, ELSEWHERE);
    expect(about(world.views[0]?.view)).toMatchObject({ incident: null });
    expect(firstField(world.views[0]?.view)).toEqual({
      field: 'incident',
      offered: [INCIDENT.id, OTHER.id],
      chosen: undefined,
    });
  });

  test('is preselected if it is the only one', async () => {
    const world = new World();
    await world.command('/incident', 'update', ELSEWHERE);
    expect(firstField(world.views[0]?.view)).toMatchObject({ chosen: INCIDENT.id });
  });

  test.each(['<#C0OTHER43|inc-43-search>', '<#C0OTHER43>', '#inc-43-search', OTHER.id])(
    'is the one that is named as %s',
    async (name) => {
      const world = new World();
      world.incidents = [INCIDENT, OTHER];
      world.channels['C0OTHER43'] = OTHER.id;
      await world.command('/incident', `resolve ${name}`);
      expect(about(world.views[0]?.view)).toMatchObject({ incident: OTHER.id });
      expect(JSON.stringify(world.views[0]?.view)).toContain('#inc-43-search: search production, Slow');
      expect(shown(await world.command('/incident', `status ${name}`))).toContain(OTHER.id);
    },
  );

  test.each(['INC-43', 'inc-43', '#inc-43'])('is the one with the number %s', async (name) => {
    const world = new World();
    world.incidents = [INCIDENT, { ...OTHER, number: 43 }];
    await world.command('/incident', `resolve ${name}`);
    expect(about(world.views[0]?.view)).toMatchObject({ incident: OTHER.id });
    expect(JSON.stringify(world.views[0]?.view)).toContain('INC-43: search production, Slow');
    expect(shown(await world.command('/incident', `status ${name}`))).toContain('Incident INC-43.');
    expect(shown(await world.command('/incident', 'resolve INC-44'))).toContain('There is no incident INC-44.');
  });

  test('must exist: an unknown name opens no dialog, and the answer suggests the nearest one', async () => {
    const world = new World();
    expect(shown(await world.command('/incident', 'resolve #inc-42-chekout-api'))).toContain(
      'Did you mean #inc-42-checkout-api? Nothing was done.',
    );
    expect([...world.views, ...world.heard]).toEqual([]);
  });

  test('must be open: without open incidents, the answer says so before a dialog opens', async () => {
    const world = new World();
    world.incidents = [];
    expect(shown(await world.command('/incident', 'update', ELSEWHERE))).toContain('No incident is open');
    expect(world.views).toEqual([]);
  });

  test('is entered as text while incidents cannot be read', async () => {
    const world = new World();
    world.deps.openIncidents = async () => {
      throw new Error('DynamoDB is away');
    };
    await world.command('/incident', 'resolve #inc-43-search', ELSEWHERE);
    expect(firstField(world.views[0]?.view)).toMatchObject({ field: 'incident', chosen: '#inc-43-search' });
  });

  test('is offered only with permission', async () => {
    const world = new World();
    world.incidents = [INCIDENT, OTHER];
    world.catalogue = {
      services: { ...world.catalogue.services, search: { team: 'find', environments: [] } },
      people: PeopleFile.parse({
        people: { steve: { slack: COMMAND.user_id, roles: ['own'], teams: ['find'] } },
        roles: { own: { actions: ['incidents:read', 'incidents:write'], services: 'own' } },
      }),
    };
    await world.command('/incident', 'update', ELSEWHERE);
    expect(firstField(world.views[0]?.view)).toMatchObject({ offered: [OTHER.id] });
  });
});

describe('a person without permission', () => {
  const GUEST = async (id: string) =>
    ({ id, team: 'T0001', email: null, name: 'gus', groups: [], kind: 'guest' }) as const;
  const people = { people: { ada: { slack: 'U0ADA' } }, everyone: 'viewer' };

  test.each([
    ['/incident', ''],
    ['/incident', 'severity'],
    ['/incident', 'resolve'],
    ['/freeze', 'open checkout-api'],
    ['/freeze', 'override frz_1'],
  ])('is refused before a dialog opens, with the people to ask: %s %s', async (command, text) => {
    for (const of of ['guest', 'viewer']) {
      const world = new World();
      world.catalogue = { ...world.catalogue, people: PeopleFile.parse(people) };
      if (of === 'guest') world.deps.slack.user = GUEST;
      const said = shown(await world.command(command, text));
      expect(said).toMatch(/You don't have permission(?: to|:)/);
      expect(said).toContain('Ask <@U0ADA>');
      expect(world.views).toEqual([]);
    }
  });

  test('is also refused if user groups are configured, because guests are in none', async () => {
    const world = new World();
    const userGroups = { S0ONCALL1: { roles: ['responder'] } };
    world.catalogue = { ...world.catalogue, people: PeopleFile.parse({ ...people, userGroups }) };
    world.deps.slack.user = GUEST;
    expect(shown(await world.command('/incident', ''))).toContain('Ask <@U0ADA>');
    expect(world.views).toEqual([]);
  });

  test('gets the dialog if a user group could grant what their own role does not', async () => {
    const world = new World();
    const userGroups = { S0ONCALL1: { roles: ['responder'] } };
    world.catalogue = { ...world.catalogue, people: PeopleFile.parse({ everyone: 'viewer', userGroups }) };
    await world.command('/incident', '');
    expect(world.views).toHaveLength(1);
  });

  test('gets the dialog if Slack does not identify them in time', async () => {
    const world = new World();
    world.deps.slack.user = async () => {
      throw new Error('Slack is away');
    };
    await world.command('/incident', '');
    expect(world.views).toHaveLength(1);
  });
});

describe('actions', () => {
  test.each([
    ['/incident', 'ack'],
    ['/incident', 'severity SEV1'],
    ['/incident', 'assign comms <@U024BE7LH|bob>'],
    ['/incident', 'roles'],
    ['/rollback', 'checkout-api production v41'],
    ['/freeze', 'open checkout-api 2h load test'],
    ['/freeze', 'status'],
    ['/deploys', 'checkout-api'],
    ['/firebreak', 'pause the pager is on fire'],
  ])('%s %s is queued before the response', async (command, text) => {
    const world = new World();
    const said = shown(await world.command(command, text));
    expect(said).toContain('Working on it…');
    expect(world.heard).toMatchObject([
      {
        group: `channel:${COMMAND.channel_id}`,
        heard: {
          from: 'slack',
          key: `command:${COMMAND.trigger_id}`,
          at: '2026-11-20T06:50:00.000Z',
          request: { kind: 'command', command: { command, text, user_id: COMMAND.user_id } },
        },
      },
    ]);
  });

  test('a command that cannot be queued is not executed, and the answer says so', async () => {
    const world = new World();
    world.deps.inbound.send = async () => {
      throw new Error('SQS is away');
    };
    const answer = await world.command('/firebreak', 'pause');
    expect(answer.status).toBe(200);
    expect(shown(answer)).toContain('nothing was done');
  });
});

describe('reads', () => {
  test('list open incidents, without children of listed ones', async () => {
    const world = new World();
    world.incidents = [INCIDENT, { ...INCIDENT, title: 'part of it', parent_id: INCIDENT.id }];
    const said = shown(await world.command('/incident', 'list'));
    expect(said).toContain('Open incidents: 1');
    expect(said).toContain('*checkout-api in production*: High &lt;error&gt; rate');
    expect(said).not.toContain('part of it');
    expect(world.heard).toEqual([]);
  });

  test('show the incident of the channel; elsewhere, the command is queued', async () => {
    const world = new World();
    expect(shown(await world.command('/incident', 'status'))).toContain(INCIDENT.id);
    expect(world.heard).toEqual([]);
    expect(shown(await world.command('/incident', 'status', { channel_name: 'privategroup' }))).toContain(INCIDENT.id);
    await world.command('/incident', 'status', ELSEWHERE);
    expect(world.heard).toHaveLength(1);
  });

  test('show the state of automation', async () => {
    const world = new World();
    world.deps.automation = async () => ({ paused: true, reason: 'migration', by: 'ada', mode: null });
    const said = shown(await world.command('/firebreak', 'status'));
    expect(said).toContain('The kill switch is on, set by ada: migration.');
    expect(said).toContain('checkout-api');
  });

  test('show nothing to people without a role', async () => {
    const world = new World();
    world.deps.slack.user = async (id) => ({ id, team: 'T9', email: null, name: 'eve', groups: [], kind: 'outsider' });
    for (const [command, text] of [
      ['/incident', 'list'],
      ['/incident', 'status'],
      ['/firebreak', 'status'],
    ] as const) {
      const said = shown(await world.command(command, text));
      expect(said).toContain('not a member');
      expect(said).not.toContain('error');
    }
  });

  test('show only incidents with read permission', async () => {
    const world = new World();
    world.catalogue = {
      ...world.catalogue,
      people: PeopleFile.parse({
        people: { steve: { slack: COMMAND.user_id, roles: ['own'], teams: ['search'] } },
        roles: { own: { actions: ['incidents:read'], services: 'own' } },
      }),
    };
    expect(shown(await world.command('/incident', 'list'))).toContain('No incident is open');
  });

  test('are queued if user groups could grant permission', async () => {
    const world = new World();
    world.catalogue = {
      ...world.catalogue,
      people: PeopleFile.parse({ everyone: 'nobody', userGroups: { S0ONCALL1: { roles: ['responder'] } } }),
    };
    expect(shown(await world.command('/incident', 'list'))).toContain('Working on it…');
    expect(world.heard).toHaveLength(1);
  });
});

/** A call that never returns. */
const never = <T>() => new Promise<T>(() => {});

/** Returns the response, which must be ready within Slack's limit of three seconds. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Symbol('late');
  const ended = Promise.race([work, new Promise<typeof late>((resolve) => setTimeout(resolve, 2900, late))]);
  await vi.advanceTimersByTimeAsync(2900);
  const answer = await ended;
  if (answer === late) throw new Error('the response took longer than three seconds');
  return answer;
}

describe('while the table cannot be read', () => {
  test('the last known data is shown with its age', async () => {
    vi.useFakeTimers();
    const world = new World();
    await inTime(world.command('/incident', 'list'));
    world.now += 3 * 60_000;
    world.deps.openIncidents = never;
    world.deps.catalogue = never;
    const said = shown(await inTime(world.command('/incident', 'list')));
    expect(said).toContain('High &lt;error&gt; rate');
    expect(said).toContain('The data shown is from 3 minutes ago.');
  });

  test('a command is queued if nothing is cached, and the answer says that it can take a while', async () => {
    vi.useFakeTimers();
    const world = new World();
    const away = new World();
    Object.assign(away.deps, { openIncidents: never, catalogue: never, automation: never });
    expect(shown(await inTime(away.command('/incident', 'list')))).toContain('can take a while');
    expect(away.heard).toHaveLength(1);
    expect(shown(await inTime(world.command('/incident', 'list')))).not.toContain('can take a while');
  });

  test('a dialog opens in time, and asks for missing data', async () => {
    vi.useFakeTimers();
    for (const text of ['', 'update', 'resolve #incident-1', 'handover']) {
      const world = new World();
      Object.assign(world.deps, { openIncidents: never, catalogue: never, inChannel: never });
      world.deps.slack.user = never;
      await inTime(world.command('/incident', text, ELSEWHERE));
      expect(world.views).toHaveLength(1);
    }
  });

  test('the answer says that nothing was done if the queue fails as well', async () => {
    vi.useFakeTimers();
    const world = new World();
    Object.assign(world.deps, { openIncidents: never, catalogue: never, automation: never });
    world.deps.inbound.send = never;
    world.deps.slack.user = never;
    for (const text of ['list', 'ack', 'status', 'severity critical'])
      expect(shown(await inTime(world.command('/incident', text)))).toContain('nothing was done');
  });
});
