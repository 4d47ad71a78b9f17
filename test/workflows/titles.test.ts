import { expect, test } from 'vitest';
import { ends, fires, play, theIncident } from './play.ts';

test('the title of an incident has no value; the entry of its opening has it, and that of its end names none', async () => {
  const summary = 'checkout error rate is 6.392 %';
  const { world } = await play({ timeline: { '1 s': fires({ summary }), '9 min': ends({ summary }) } });
  const story = await world.deps.incidents.story(theIncident(world), null);
  expect(story?.incident.title).toBe('checkout error rate');
  const texts = story?.timeline.map(({ entry }) => entry.text) ?? [];
  expect(texts).toContain(`Opened: ${summary}`);
  expect(texts).toContainEqual(expect.stringMatching(/^Resolved: checkout error rate\. /));
  expect(story?.signals.map(({ title }) => title)).toEqual([summary]);
});
