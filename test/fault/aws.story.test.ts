import { expect, test } from 'vitest';
import { STORIES } from './aws-stories.ts';
import { playStory } from './play-story.ts';

/** Calls whose response is lost after they had their effect, in each story. stories.long.test.ts loses every response. */
const LOST: Record<string, readonly string[]> = {
  'an alert pages and rolls back': [
    'http store.write 1',
    'http queues.send 2',
    'route store.write 1',
    'route executions.start 1',
    'incident-response store.write 1',
    'incident-response store.write 5',
    'incident-response checkpoint 3',
    'incident-response checkpoint 10',
    'incident-response store.update 4',
  ],
  'a freeze stops a deploy until it is lifted': ['http store.write 3'],
  'commands from Slack acknowledge an incident and add a note': [
    'slack queues.send 1',
    'slack queues.send 2',
    'inbound store.write 1',
    'inbound store.write 3',
    'incident-response store.write 2',
  ],
};

test.each(Object.entries(LOST))('on platform AWS, %s, though responses are lost', async (name, lost) => {
  const story = STORIES[name];
  if (story === undefined) throw new Error(`no story "${name}"`);
  const calls = await playStory(story, {
    plan: (operation, n) => (lost.includes(`${operation} ${n}`) ? 'lose' : undefined),
  });
  const interrupted = calls.flatMap(({ operation, n, interruption }) => (interruption ? [`${operation} ${n}`] : []));
  expect(interrupted.toSorted()).toEqual(lost.toSorted());
});
