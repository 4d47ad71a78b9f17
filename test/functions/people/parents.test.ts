import { beforeEach, describe, expect, test } from 'vitest';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/names.ts';
import { ADA, ChatWorld } from './chat-world.ts';

const environment = 'production' as EnvironmentName;
const crowd = { because: 'many', name: '', text: 'two at once' } as const;

let chat: ChatWorld;
let parent: IncidentId;
let parts: IncidentId[];

beforeEach(async () => {
  chat = new ChatWorld();
  const { crowds, incidents } = chat.deps;
  parts = [];
  for (const service of ['cart', 'search'] as ServiceName[]) {
    const said = {
      service,
      environment,
      title: `${service} fails`,
      severity: 'critical',
      by: 'a',
      trace: 't',
    } as const;
    parts.push((await incidents.declare(said)).id);
  }
  parent = await crowds.openParent(environment, crowd, 'two at once', 't');
  await incidents.setChannel(parent, '#incident-9', 'C0PARENT');
  for (const part of parts) await crowds.join(parent, part);
});

const ALSO = '2 incidents that are parts of it, in which no alert fires';

describe('resolving a parent', () => {
  test('tells whoever does it, and its timeline, what closes with it', async () => {
    expect(await chat.says(ADA, '/incident', 'resolve DNS is back', 'C0PARENT')).toBe(
      `It is over: the incident closes now, and with it ${ALSO}.`,
    );
    expect((await chat.timeline(parent)).at(-1)).toBe(`slack:${ADA}: DNS is back; with it close ${ALSO}`);
  });

  test('of which all parts are over is as of any incident', async () => {
    for (const part of parts) await chat.deps.incidents.resolve(part, 0, 'ada', 'over');
    expect(await chat.says(ADA, '/incident', 'resolve DNS is back', 'C0PARENT')).toBe(
      'It is over: the incident closes now.',
    );
    expect((await chat.timeline(parent)).at(-1)).toBe(`slack:${ADA}: DNS is back`);
  });
});

describe('what is open', () => {
  test('is listed as long as it is: a part with its parent, or by itself', async () => {
    const list = () => chat.saysElsewhere(ADA, '/incident', 'list');
    expect(await list()).toMatch(/^1 open:.*two at once/s);
    await chat.deps.incidents.resolve(parent, 0, 'ada', 'over');
    expect(await list()).toMatch(/^2 open:.*cart fails.*search fails/s);
  });

  test('is offered to whoever has not named one', async () => {
    await chat.deps.incidents.resolve(parent, 0, 'ada', 'over');
    expect(await chat.saysElsewhere(ADA, '/incident', 'severity SEV2')).toMatch(/cart fails.*search fails/s);
  });
});
