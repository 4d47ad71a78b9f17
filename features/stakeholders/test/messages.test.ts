import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emailTextOf } from '../../../domain/messages/notifications.ts';
import { bodyOf } from '../../../integrations/slack/blocks.ts';
import { story } from '../../../test/domain/stories.ts';
import { aStory } from '../../../test/integrations/slack/wild-stories.ts';
import { messageProblems } from '../../../test/support/block-kit.ts';
import { digestOf } from '../decisions/digest.ts';

test("a status update keeps Slack's limits, with any content", () => {
  fc.assert(
    fc.property(aStory, (any) => {
      expect(messageProblems(bodyOf(digestOf(any)))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a status update links to the incident if its address is known', () => {
  const url = 'https://firebreak.example.com/console/incidents/1';
  expect(emailTextOf(digestOf(story(), url))).toContain(`<${url}>`);
  expect(emailTextOf(digestOf(story()))).not.toContain('/console/');
});
