import { expect, test } from 'vitest';
import { play } from '../../../test/workflows/play.ts';
import { internalNamesIn } from '../../../test/support/internal-names.ts';
import { closingPaths } from '../../../test/workflows/stories/closings.ts';
import { groupPaths } from '../../../test/workflows/stories/groups.ts';
import { guardPaths } from '../../../test/workflows/stories/guards.ts';
import { latePaths } from '../../../test/workflows/stories/late-changes.ts';
import { lookPaths } from '../../../test/workflows/stories/looks.ts';
import { proofPaths } from '../../../test/workflows/stories/proof.ts';
import { paths } from '../../../test/workflows/stories/rollbacks.ts';
import { runbookPaths } from '../../../test/workflows/stories/runbooks.ts';
import { secondFailurePaths } from '../../../test/workflows/stories/second-failures.ts';
import { suspectPaths } from '../../../test/workflows/stories/suspects.ts';
import { waitPaths } from '../../../test/workflows/stories/waits.ts';
import { shownTexts } from './shown-texts.ts';

const STORIES = Object.entries({
  ...closingPaths,
  ...groupPaths,
  ...guardPaths,
  ...latePaths,
  ...lookPaths,
  ...proofPaths,
  ...paths,
  ...runbookPaths,
  ...secondFailurePaths,
  ...suspectPaths,
  ...waitPaths,
});

test.each(STORIES)('no channel shows names of code: %s', async (_, story) => {
  const { world } = await play(story);
  for (const [id, { timeline }] of world.store.dossiers) {
    const texts = { ...(await shownTexts(world, id)), timeline: timeline.map(({ text }) => text).join('\n') };
    for (const [channel, text] of Object.entries(texts))
      expect({ channel, names: internalNamesIn(text), text }).toMatchObject({ names: [] });
  }
});
