import { expect, test } from 'vitest';
import { answerDecision } from '../../../../core/actions/incidents/answer-decision.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { isAcknowledged } from '../../../../core/domain/paging/acknowledgement.ts';
import { ends, fires, mode, type Moment, play, theIncident } from '../../../workflows/play.ts';
import { begins, finishes } from '../../../workflows/stories/late-changes.ts';

const ADA: Caller = { name: 'person:ada', allow: () => undefined };

test('a repeated answer changes nothing: it acknowledges no page that has come since', async () => {
  const seen: boolean[] = [];
  const approves: Moment = async (world) => {
    const id = theIncident(world);
    const [first = expect.unreachable()] = (await world.deps.incidents.view(id))?.decisions ?? [];
    await answerDecision(world.deps, ADA, { id, digest: first.digest, answer: 'approved', note: '' });
    const incident = (await world.deps.incidents.read(id)) ?? expect.unreachable();
    seen.push(isAcknowledged(incident));
  };
  const { world } = await play({
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      '60 s': approves,
      '180 s': ends(),
      '270 s': begins('v3'),
      '320 s': finishes('v3'),
      '370 s': fires({ began: 20 }),
      '400 s': approves,
      '10 min': ends({ began: 20 }),
    },
  });
  expect(world.calls.filter((call) => call.startsWith('pager trigger'))).toHaveLength(2);
  expect(seen).toEqual([true, false]);
});
