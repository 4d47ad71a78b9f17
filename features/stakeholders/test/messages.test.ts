import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emailTextOf } from '../../../core/domain/messages/notifications.ts';
import { bodyOf } from '../../../vendors/slack/blocks.ts';
import { story } from '../../../test/core/stories.ts';
import { aStory } from '../../../test/vendors/slack/wild-stories.ts';
import { messageProblems } from '../../../test/support/block-kit.ts';
import { statusUpdate } from '../decisions/status-update.ts';
import { runs } from '../../../test/support/runs.ts';

test("a status update keeps Slack's limits, with any content", () => {
  fc.assert(
    fc.property(aStory, (any) => {
      expect(messageProblems(bodyOf(statusUpdate(any)))).toEqual([]);
    }),
    { numRuns: runs(60) },
  );
});

test('a status update links to the incident if its address is known', () => {
  const url = 'https://firebreak.example.com/console/incidents/1';
  expect(emailTextOf(statusUpdate(story(), { url }))).toContain(`<${url}>`);
  expect(emailTextOf(statusUpdate(story()))).not.toContain('/console/');
});
