import { beforeEach, describe, expect, test } from 'vitest';
import type { OpenIncident } from '../../../core/domain/ports/slack.ts';
import { buttonIds } from '../../../schemas/slack/button.ts';
import { IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { INCIDENT, shown, USER, World } from './support.ts';

let world: World;

const { channel: _channel, ...withoutChannel } = INCIDENT;

const part = (n: number, service: string, firing: number): OpenIncident => ({
  ...withoutChannel,
  id: IncidentId.parse(`01JCYZ7Q8M3N5P7R9T1V3X5Z8${n}`),
  service: ServiceName.parse(service),
  title: `${service} fails`,
  parent_id: INCIDENT.id,
  firing,
});

beforeEach(() => {
  world = new World();
  world.incidents = [{ ...INCIDENT, firing: 2 }, part(1, 'payments-api', 2), part(2, 'search', 1)];
});

const press = {
  type: 'block_actions',
  ...USER,
  trigger_id: '1.1.abcdef',
  channel: { id: 'C2147483705', name: 'inc-42-checkout-api' },
  container: { type: 'message', message_ts: '1795157390.000200' },
  actions: [{ type: 'button', ...buttonIds({ verb: 'resolve', incident: INCIDENT.id }), action_ts: '1795157399.0001' }],
  response_url: 'https://hooks.slack.com/actions/T0001/1111/abcd',
};

const CLOSES = 'This also resolves 2 child incidents with 3 firing alerts.';

describe('the dialog that resolves a parent shows the children that it also resolves', () => {
  test.each([
    ['by the button', () => world.interact(press)],
    ['by the command', () => world.command('/incident', 'resolve')],
  ])('%s', async (_, opens) => {
    await opens();
    expect(JSON.stringify(world.views.at(-1)?.view)).toContain(CLOSES);
  });

  test('except for other incidents, and if they cannot be read', async () => {
    world.incidents = world.incidents.map(({ parent_id: _parent, ...one }) => one);
    await world.interact(press);
    world = new World();
    world.deps.openIncidents = async () => {
      throw new Error('the table is away');
    };
    await world.interact(press);
    expect(world.views).toHaveLength(1);
    expect(JSON.stringify(world.views)).not.toContain('This also resolves');
  });
});

describe('open incidents are listed', () => {
  test.each(['/incident list', '/firebreak status'])(
    '%s: children with their parent, while it is open',
    async (typed) => {
      const [command = '', text = ''] = typed.split(' ');
      expect(shown(await world.command(command, text))).not.toContain('payments-api fails');
      world = new World();
      world.incidents = [part(1, 'payments-api', 2)];
      expect(shown(await world.command(command, text))).toContain('payments-api fails');
    },
  );
});
