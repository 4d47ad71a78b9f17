import { beforeEach, describe, expect, test } from 'vitest';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { ADA, ChatWorld } from './chat-world.ts';

const environment = 'production' as EnvironmentName;
const groupReason = { because: 'many', name: '', text: 'two at once' } as const;

let chat: ChatWorld;
let parent: IncidentId;
let parts: IncidentId[];

beforeEach(async () => {
  chat = new ChatWorld();
  const { incidentGroups, incidents } = chat.deps;
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
  parent = await incidentGroups.openParent(environment, groupReason, 'two at once', 't');
  await incidents.setChannel(parent, '#incident-9', 'C0PARENT');
  for (const part of parts) await incidentGroups.join(parent, part);
});

const ALSO = '2 child incidents with no firing alerts';

describe('resolving a parent', () => {
  test('shows the children that are resolved with it, in the answer and on the timeline', async () => {
    expect(await chat.says(ADA, '/incident', 'resolve DNS is back', 'C0PARENT')).toBe(
      `INC-3 is resolved, together with ${ALSO}.`,
    );
    expect(chat.timeline(parent).at(-1)).toBe(`slack:${ADA}: DNS is back; this also resolves ${ALSO}`);
  });

  test('without open children is like resolving any incident', async () => {
    for (const part of parts) await chat.deps.incidents.resolve(part, 0, 'ada', 'over');
    expect(await chat.says(ADA, '/incident', 'resolve DNS is back', 'C0PARENT')).toBe('INC-3 is resolved.');
    expect(chat.timeline(parent).at(-1)).toBe(`slack:${ADA}: DNS is back`);
  });
});

describe('an open child incident', () => {
  test('is listed with its open parent, otherwise by itself', async () => {
    const list = () => chat.saysElsewhere(ADA, '/incident', 'list');
    expect(await list()).toMatch(/^Open incidents: 1\n.*two at once/s);
    await chat.deps.incidents.resolve(parent, 0, 'ada', 'over');
    expect(await list()).toMatch(/^Open incidents: 2\n.*search fails.*cart fails/s);
  });

  test('is suggested if no incident is named', async () => {
    await chat.deps.incidents.resolve(parent, 0, 'ada', 'over');
    expect(await chat.saysElsewhere(ADA, '/incident', 'severity SEV2')).toMatch(/search fails.*cart fails/s);
  });
});
