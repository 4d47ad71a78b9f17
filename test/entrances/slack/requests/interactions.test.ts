import { describe, expect, test } from 'vitest';
import { FIELDS } from '../../../../entrances/slack/modals/form.ts';
import { keyOf } from '../../../../entrances/slack/requests/enqueue.ts';
import { SlackRefused } from '../../../../vendors/slack/minimal-client.ts';
import { type Button, buttonIds } from '../../../../schemas/slack/button.ts';
import { PeopleFile } from '../../../../schemas/people/people.ts';
import { Interaction } from '../../../../schemas/slack/interaction.ts';
import { fixture, FORMS, INCIDENT, receivedOf, USER, World } from '../support.ts';

const RESPONSE_URL = 'https://hooks.slack.com/actions/T0001/1111/abcd';

const press = (button: Button | { action_id: string; value: string }, more: object = {}) => ({
  type: 'block_actions',
  ...USER,
  trigger_id: '12466734323.1395872398.abcdef',
  channel: { id: 'C2147483705', name: 'inc-42-checkout-api' },
  container: { type: 'message', message_ts: '1795157390.000200' },
  actions: [{ type: 'button', ...('verb' in button ? buttonIds(button) : button), action_ts: '1795157399.000100' }],
  response_url: RESPONSE_URL,
  ...more,
});

const approve: Button = { verb: 'approve', incident: INCIDENT.id, digest: 'sha256:1' };
const pause: Button = { verb: 'pause', incident: INCIDENT.id };

const keyOfPress = (payload: unknown): string =>
  keyOf({ kind: 'interaction', interaction: Interaction.parse(payload) });

describe('buttons', () => {
  test('are queued with their data', async () => {
    const world = new World();
    expect(await world.interact(press(approve))).toMatchObject({ status: 200, body: '' });
    expect(world.heard).toMatchObject([
      {
        group: 'channel:C2147483705',
        heard: { request: { kind: 'interaction', interaction: { actions: [buttonIds(approve)] } } },
      },
    ]);
  });

  test('have the same key for a double click', async () => {
    const world = new World();
    for (const [trigger, at] of [
      ['1.1.a', '1795157399.000100'],
      ['1.1.b', '1795157399.400100'],
    ]) {
      const [action] = press(approve).actions;
      await world.interact(press(approve, { trigger_id: trigger, actions: [{ ...action, action_ts: at }] }));
    }
    const [first, second] = world.heard.map(({ heard: event }) => event.key);
    expect(first).toBe(second);
  });

  test('show the details of an incident, also of a resolved one, in a modal that asks for nothing', async () => {
    const world = new World();
    world.incidents = [{ ...INCIDENT, number: 42, status: 'resolved' }];
    expect(await world.interact(press({ verb: 'details', incident: INCIDENT.id }))).toMatchObject({ status: 200 });
    expect(world.views).toMatchObject([
      {
        view: {
          callback_id: 'incident_details',
          title: { text: 'Details of INC-42' },
          blocks: [{ type: 'section', text: { text: 'Suspects' } }],
        },
      },
    ]);
    expect(world.views[0]?.view).not.toHaveProperty('submit');
    expect(world.heard).toEqual([]);
  });

  test('send the details later, as a message, if they cannot be read in time', async () => {
    const world = new World();
    world.deps.details = () => Promise.reject(new Error('the table does not answer'));
    const button: Button = { verb: 'details', incident: INCIDENT.id };
    expect(await world.interact(press(button))).toMatchObject({ status: 200 });
    expect(world.views).toEqual([]);
    expect(world.heard).toMatchObject([{ heard: { request: { interaction: { actions: [buttonIds(button)] } } } }]);
  });

  test.each([
    ['another user', { user: { id: 'U024BE7LH' } }],
    ['another message', { container: { type: 'message', message_ts: '1795157391.000200' } }],
    ['another decision', press({ ...approve, digest: 'sha256:2' })],
  ])('have another key for %s', (_what, more) => {
    expect(keyOfPress({ ...press(approve), ...more })).not.toBe(keyOfPress(press(approve)));
  });

  test.each([pause, approve])(
    'have another key when they are pressed again later, because the first action may have been refused',
    (button) => {
      const payload = press(button);
      const later = payload.actions.map((one) => ({ ...one, action_ts: '1795157499.000100' }));
      expect(keyOfPress({ ...payload, actions: later })).not.toBe(keyOfPress(payload));
    },
  );

  test('have another key when they are pressed again right after the answer', () => {
    const payload = press(approve);
    const again = payload.actions.map((one) => ({ ...one, action_ts: '1795157401.000100' }));
    expect(keyOfPress({ ...payload, actions: again })).not.toBe(keyOfPress(payload));
  });

  test.each([
    ['severity', FORMS.severity],
    ['publish', FORMS.update],
    ['resolve', FORMS.resolve],
  ] as const)('for %s open a modal about their incident', async (verb, callback) => {
    const world = new World();
    await world.interact(press({ verb, incident: INCIDENT.id }));
    expect(world.heard).toEqual([]);
    expect(world.views).toMatchObject([{ view: { callback_id: callback } }]);
    expect(JSON.parse(world.views[0]?.view.private_metadata ?? '')).toMatchObject({ incident: INCIDENT.id });
  });

  test('of a resolved incident open no modal, and the answer says so', async () => {
    const world = new World();
    world.incidents = [{ ...INCIDENT, status: 'resolved' }];
    await world.interact(press({ verb: 'resolve', incident: INCIDENT.id }));
    expect(world.views).toEqual([]);
    expect(world.ephemeralMessages).toMatchObject([{ text: expect.stringContaining('Superseded') }]);
  });

  test('are refused without permission before a modal opens', async () => {
    const world = new World();
    world.catalogue = { ...world.catalogue, people: PeopleFile.parse({ everyone: 'viewer' }) };
    await world.interact(press({ verb: 'severity', incident: INCIDENT.id }));
    expect(world.views).toEqual([]);
    expect(world.ephemeralMessages).toMatchObject([
      {
        text: expect.stringMatching(
          /^You don't have permission to change incidents for checkout-api in production\..*people\.yaml/,
        ),
      },
    ]);
  });

  test('of an older version are queued and answered; buttons of other apps are ignored', async () => {
    const world = new World();
    await world.interact(press({ action_id: 'firebreak:explode', value: '{}' }));
    expect(world.heard).toHaveLength(1);
    await world.interact(press({ action_id: 'approve_rollback', value: 'inc-42:act-7' }));
    expect(world.heard).toHaveLength(1);
  });

  test('that fail are answered where the button is', async () => {
    const world = new World();
    world.deps.inbound.send = async () => {
      throw new Error('SQS is away');
    };
    world.deps.slack.openView = async () => {
      throw new SlackRefused('views.open', 'expired_trigger_id');
    };
    await world.interact(press(approve));
    await world.interact(press({ verb: 'resolve', incident: INCIDENT.id }));
    expect(world.ephemeralMessages).toMatchObject([
      { user: USER.user.id, responseUrl: RESPONSE_URL, text: expect.stringContaining('nothing was done') },
      { user: USER.user.id, responseUrl: RESPONSE_URL, text: expect.stringContaining('three seconds') },
    ]);
  });
});

describe('shortcuts', () => {
  test('open a modal globally', async () => {
    const world = new World();
    await world.receive(receivedOf(fixture('global-shortcut-declare')));
    expect(world.views).toMatchObject([{ view: { callback_id: FORMS.declare } }]);
  });

  test('on a message declare an incident with its text', async () => {
    const world = new World();
    const payload = JSON.parse(
      new URLSearchParams(fixture('message-action-add-to-timeline').body).get('payload') ?? '',
    );
    await world.interact({ ...payload, callback_id: 'declare_from_message' });
    const [{ view } = { view: undefined }] = world.views;
    expect(JSON.stringify(view)).toContain('"initial_value":"p99 is back to normal after rollback :tada:"');
    expect(JSON.parse(view?.private_metadata ?? '')).toMatchObject({
      channel: 'C2147483705',
      message: { ts: '1795157380.000100' },
    });
  });

  const addToTimeline = (channel: { id: string; name: string }) => ({
    ...JSON.parse(new URLSearchParams(fixture('message-action-add-to-timeline').body).get('payload') ?? ''),
    channel,
  });

  test("add a message of an incident's channel to its timeline", async () => {
    const world = new World();
    await world.interact(addToTimeline({ id: 'C2147483705', name: 'inc-42-checkout-api' }));
    expect(world.heard).toHaveLength(1);
    expect(world.views).toEqual([]);
  });

  test('on a message of another channel ask for the incident', async () => {
    const world = new World();
    await world.interact(addToTimeline({ id: 'C0GENERAL', name: 'general' }));
    expect(world.heard).toEqual([]);
    const [{ view } = { view: undefined }] = world.views;
    expect(view).toMatchObject({ callback_id: FORMS.pin });
    expect(JSON.stringify(view)).toContain(INCIDENT.id);
    expect(JSON.stringify(view)).toContain('p99 is back to normal after rollback');
    expect(JSON.parse(view?.private_metadata ?? '')).toMatchObject({
      channel: 'C0GENERAL',
      message: { ts: '1795157380.000100', author: expect.any(String) },
    });
  });

  test('say so if no incident is open', async () => {
    const world = new World();
    world.incidents = [];
    await world.interact(addToTimeline({ id: 'C0GENERAL', name: 'general' }));
    expect(world.ephemeralMessages).toMatchObject([{ text: expect.stringContaining('No incident is open') }]);
    expect([...world.views, ...world.heard]).toEqual([]);
  });

  test('are refused for guests, with the people to ask', async () => {
    const world = new World();
    world.deps.slack.user = async (id) => ({ id, team: '', email: null, name: 'gus', groups: [], kind: 'guest' });
    await world.receive(receivedOf(fixture('global-shortcut-declare')));
    expect(world.views).toEqual([]);
    expect(world.ephemeralMessages).toMatchObject([
      { text: expect.stringContaining('Ask any full member of this workspace.') },
    ]);
  });

  test('have the same key for the same message', async () => {
    const world = new World();
    await world.receive(receivedOf(fixture('message-action-add-to-timeline')));
    await world.receive(receivedOf(fixture('message-action-add-to-timeline')));
    expect(new Set(world.heard.map(({ heard: event }) => event.key)).size).toBe(1);
  });
});

const submission = (callback: string, values: Record<string, object>, about: object = {}) => ({
  type: 'view_submission',
  ...USER,
  trigger_id: '12466734323.1395872398.vvv',
  view: {
    id: 'VNHU13V36',
    hash: '156663117.cd33ad1f',
    callback_id: callback,
    private_metadata: JSON.stringify(about),
    state: { values: Object.fromEntries(Object.entries(values).map(([field, value]) => [field, { [field]: value }])) },
  },
});

const typed = (value: string | null) => ({ type: 'plain_text_input', value });
const chosen = (value: string) => ({ type: 'static_select', selected_option: { value } });

const DECLARED = {
  [FIELDS.title]: typed('Checkout is down'),
  [FIELDS.service]: chosen('checkout-api'),
  [FIELDS.environment]: chosen('production'),
  [FIELDS.severity]: chosen('critical'),
};

describe('submitted modals', () => {
  test('are queued and closed if they are complete, with the same key for a repetition', async () => {
    const world = new World();
    const payload = submission(FORMS.declare, DECLARED, { channel: 'C2147483705' });
    expect(await world.interact(payload)).toMatchObject({ status: 200, body: '' });
    await world.interact(payload);
    expect(world.heard.map(({ group, heard: event }) => [group, event.key])).toEqual([
      ['channel:C2147483705', 'view_submission:VNHU13V36:156663117.cd33ad1f'],
      ['channel:C2147483705', 'view_submission:VNHU13V36:156663117.cd33ad1f'],
    ]);
  });

  test.each([
    ['no title', FORMS.declare, { ...DECLARED, [FIELDS.title]: typed('  ') }, FIELDS.title, 'what is wrong'],
    ['a long title', FORMS.declare, { ...DECLARED, [FIELDS.title]: typed('x'.repeat(501)) }, FIELDS.title, '500'],
    [
      'an unknown service',
      FORMS.declare,
      { ...DECLARED, [FIELDS.service]: typed('chekout-api') },
      FIELDS.service,
      'did you mean "checkout-api"',
    ],
    [
      'an environment that the service does not have',
      FORMS.declare,
      { ...DECLARED, [FIELDS.environment]: typed('moon') },
      FIELDS.environment,
      'production, staging',
    ],
    [
      'a service with the name of an object property',
      FORMS.declare,
      { ...DECLARED, [FIELDS.service]: typed('constructor') },
      FIELDS.service,
      'no service',
    ],
    ['no severity', FORMS.severity, {}, FIELDS.severity, 'critical'],
    ['no reason', FORMS.freeze, { [FIELDS.target]: typed('search') }, FIELDS.reason, 'Enter a reason'],
    [
      'an invalid duration',
      FORMS.override,
      { [FIELDS.freeze]: typed('f'), [FIELDS.reason]: typed('r'), [FIELDS.duration]: typed('soon') },
      FIELDS.duration,
      '2h',
    ],
    ['no text', FORMS.update, {}, FIELDS.text, 'Enter an update'],
    ['no commander', FORMS.handover, { [FIELDS.text]: typed('all fine') }, FIELDS.user, 'Select the new commander'],
  ])('show %s at its field', async (_what, callback, values, field, words) => {
    const world = new World();
    const answer = JSON.parse((await world.interact(submission(callback, values))).body);
    expect(answer.response_action).toBe('errors');
    expect(answer.errors[field]).toContain(words);
    expect(world.heard).toEqual([]);
  });

  test('do not change a resolved incident', async () => {
    const world = new World();
    world.incidents = [{ ...INCIDENT, status: 'resolved' }];
    const payload = submission(FORMS.severity, { [FIELDS.severity]: chosen('info') }, { incident: INCIDENT.id });
    const answer = JSON.parse((await world.interact(payload)).body);
    expect(answer.errors[FIELDS.severity]).toContain('Superseded');
    expect(world.heard).toEqual([]);
  });

  test('check an incident that was entered as text', async () => {
    const world = new World();
    const named = (name: string) =>
      submission(FORMS.update, { [FIELDS.text]: typed('it gets better'), [FIELDS.incident]: typed(name) });
    const answer = JSON.parse((await world.interact(named('#inc-42-chekout-api'))).body);
    expect(answer.errors[FIELDS.incident]).toContain('did you mean "#inc-42-checkout-api"');
    expect(world.heard).toEqual([]);
    expect((await world.interact(named('inc-42-checkout-api'))).body).toBe('');
    expect(world.heard).toHaveLength(1);
  });

  test('are checked later if the incident cannot be read', async () => {
    const world = new World();
    world.deps.incident = async () => {
      throw new Error('DynamoDB is away');
    };
    const payload = submission(FORMS.severity, { [FIELDS.severity]: chosen('info') }, { incident: INCIDENT.id });
    expect((await world.interact(payload)).body).toBe('');
    expect(world.heard).toHaveLength(1);
  });

  test('stay open if they cannot be queued', async () => {
    const world = new World();
    world.deps.inbound.send = async () => {
      throw new Error('SQS is away');
    };
    const answer = JSON.parse((await world.interact(submission(FORMS.declare, DECLARED))).body);
    expect(answer.errors[FIELDS.title]).toContain('nothing was done');
  });

  test('of other apps are ignored', async () => {
    const world = new World();
    expect((await world.interact(submission('theirs', {}))).body).toBe('');
    expect(world.heard).toEqual([]);
  });
});

describe('suggestions', () => {
  const suggestion = (value: string, action = 'service') => ({
    type: 'block_suggestion',
    ...USER,
    action_id: action,
    block_id: action,
    value,
  });
  const offered = async (world: World, value: string, action?: string) =>
    JSON.parse((await world.interact(suggestion(value, action))).body).options.map((one: any) => one.value);

  test('list matching services, those that begin with the text first', async () => {
    const world = new World();
    expect(await offered(world, '')).toEqual(['checkout-api', 'payments-api', 'search']);
    expect(await offered(world, 'API')).toEqual(['checkout-api', 'payments-api']);
    expect(await offered(world, 'pay')).toEqual(['payments-api']);
    expect(await offered(world, 'nothing')).toEqual([]);
    expect(await offered(world, '', 'other')).toEqual([]);
  });

  test('are empty for guests, and limited to services with permission for others', async () => {
    const world = new World();
    world.catalogue = {
      ...world.catalogue,
      people: PeopleFile.parse({
        people: { steve: { slack: USER.user.id, roles: ['own'], teams: ['payments'] } },
        roles: { own: { actions: ['incidents:write'], services: 'own' } },
      }),
    };
    expect(await offered(world, '')).toEqual(['checkout-api', 'payments-api']);
    const guest = new World();
    guest.deps.slack.user = async (id) => ({ id, team: '', email: null, name: 'gus', groups: [], kind: 'guest' });
    expect(await offered(guest, '')).toEqual([]);
  });

  test('are within the limits of Slack', async () => {
    const world = new World();
    const names = [...Array.from({ length: 300 }, (_, i) => `service-${i}`), 'x'.repeat(200)];
    world.catalogue = { ...world.catalogue, services: Object.fromEntries(names.map((n) => [n, { environments: [] }])) };
    expect(await offered(world, 'service')).toHaveLength(100);
    expect(await offered(world, 'xxx')).toEqual([]);
  });
});
