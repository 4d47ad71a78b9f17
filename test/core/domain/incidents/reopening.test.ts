import { expect, test } from 'vitest';
import { planReopening } from '../../../../core/domain/incidents/reopening.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { NOON } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

test.each<[more: Partial<IncidentRecord>, text: string]>([
  [{}, 'Reopened: again'],
  [{ automation_paused: true }, 'Reopened, with its automation paused as before: again'],
])('a reopened incident says whether its automation acts: %j', (more, text) => {
  const resolved = incident({ status: 'resolved', resolved_at: NOON, resolved_by: 'ada', ...more });
  const post = planReopening(resolved, { by: 'ada', note: 'again', firing: 0 }, NOON);
  expect(JSON.stringify(post)).toContain(`"text":${JSON.stringify(text)}`);
});
