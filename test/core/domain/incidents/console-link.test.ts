import { expect, test } from 'vitest';
import { incidentUrl } from '../../../../core/domain/incidents/console-link.ts';
import { incidentAnnotation } from '../../../../core/domain/incidents/graph-annotations.ts';
import { summaryCard } from '../../../../core/domain/messages/incident-card.ts';
import { fullRequest } from '../../../../workflows/steps/page.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

const ID = '01J0000000000000000000000A' as IncidentId;
const PUBLIC = 'https://firebreak.example.com';

test('an incident has an address if that of Firebreak is known', () => {
  expect(incidentUrl(PUBLIC, ID)).toBe(`${PUBLIC}/console/incidents/${ID}`);
  expect(incidentUrl(undefined, ID)).toBeUndefined();
});

test('Slack, emails, Grafana, and pages link to the incident if its address is known', async () => {
  const world = new FakeWorld();
  const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
  const { id } = await world.deps.incidents.declare({
    ...serviceEnvironment,
    title: 'It fails',
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  });
  const story = (await world.deps.incidents.story(id, null)) ?? expect.unreachable();
  const shownIn = async (publicUrl: string | undefined) => {
    const url = incidentUrl(publicUrl, story.incident);
    const page = { number: 1, causes: [], chat: null };
    const request = await fullRequest(story.incident, 'key', page, { ...world.deps, publicUrl });
    return {
      slack: JSON.stringify(summaryCard(story, url).parts.at(-1)),
      grafana: incidentAnnotation(story.incident, url).url,
      links: request.links?.map(({ href }) => href),
      details: request.details?.['console'],
    };
  };
  const url = `${PUBLIC}/console/incidents/INC-${story.incident.number}`;
  const linked = await shownIn(PUBLIC);
  expect(linked).toMatchObject({ grafana: url, links: [url], details: url });
  expect(linked.slack).toContain(`"link":"${url}"`);
  expect(JSON.stringify(await shownIn(undefined))).not.toContain('/console/');
});
