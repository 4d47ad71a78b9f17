import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotationTag } from '../../../core/domain/incidents/graph-annotations.ts';
import type { Annotations } from '../../../core/domain/ports/annotations.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { anyTrouble, NO_TROUBLE } from '../../../test/vendors/projectors/trouble.ts';
import { MemoryAnnotations } from '../../../test/vendors/projectors/vendors.ts';
import { configOf, START, type Trouble, World } from '../../../test/vendors/projectors/world.ts';
import { freezeAnnotation, freezeProjector } from '../projector.ts';
import { freeze as aFreeze } from './decisions/builders.ts';
import { runs } from '../../../test/support/runs.ts';

/** A freeze that begins, and ends half a minute later. */
async function expectShown(trouble: Trouble): Promise<void> {
  const annotations = new MemoryAnnotations();
  let freeze = aFreeze('budget', { id: 'frz-1', starts_at: START, reason: 'The budget is spent' });
  const world = new World('grafana', trouble, configOf(), (seen) =>
    freezeProjector({
      ...seen,
      freezes: Object.assign(Object.create(null), { get: async () => freeze }),
      annotations: seen.vendor<Annotations>(annotations),
    }),
  );
  const subject: Subject = `freeze:${freeze.id}`;
  world.mark(subject);
  world.expect(30_000, () => {
    freeze = { ...freeze, ended_at: world.clock.now(), ended_by: 'evaluation' };
    world.mark(subject);
  });
  await world.run();
  const shown = annotations.marks
    .filter(({ tags }) => tags.includes(annotationTag(freeze.id)))
    .map(({ from, until, tags, text }) => ({ from, until, tags, text }));
  expect(shown).toEqual([freezeAnnotation(freeze)]);
  expect(await world.callsWhenMarked(subject)).toEqual([]);
}

test('a freeze has one correct annotation, also after it has ended', () => expectShown(NO_TROUBLE));

test('for any faults, a freeze has one correct annotation', async () => {
  await fc.assert(fc.asyncProperty(anyTrouble, expectShown), { numRuns: runs(30) });
});
