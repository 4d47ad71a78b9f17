import * as z from 'zod';
import { IncidentView } from '../../../schemas/incidents/incident.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { decisionsOf, onePage, oneRollback, onlyIncident, untilOver, verified } from './outcome.ts';
import type { Story } from '../stage.ts';

/** Time until the person answers, in minutes of the story. */
const THINKS_MINUTES = 4;

/** A rollback over a migration needs approval, because the old version alone cannot undo it. */
export const migration: Story = {
  name: 'migration',
  title: 'a bad deploy with a migration',
  about: 'The old version may not work with the new data: Firebreak pages and asks, and a person approves.',
  services: { checkout: { version: 'v41', team: 'payments', component: 'Checkout' } },
  async play(stage) {
    const { firebreak } = stage;
    const actions = ['incidents:read', 'incidents:act'];
    const { token } = await firebreak.post('/v1/tokens', { name: 'ada', actions }, z.object({ token: z.string() }));
    await stage.waitMinutes(1);
    await stage.deploy('checkout', 'v42', { failing: 0.3, hasMigration: true });
    const waiting = await stage.until('Firebreak to ask for approval', async () => {
      const incident = await onlyIncident(stage);
      const question = incident?.decisions.find(({ state }) => state === 'waiting');
      return incident && question && { incident, question };
    });
    stage.say({ speaker: 'ada', text: 'was paged and reviews the migration' });
    await stage.waitMinutes(THINKS_MINUTES);
    const approvedAt = Date.now();
    const { id } = waiting.incident;
    const answer = { digest: waiting.question.digest, note: 'the migration only adds a column' };
    await firebreak.post(`/v1/incidents/${id}/actions/approve`, answer, IncidentView, token);
    await stage.untilRolledBack();
    const outcome = await untilOver(stage);
    const decision = decisionsOf(outcome).findLast(({ state }) => state === 'approved');
    const calls = (await stage.calls('cd')).filter(({ method }) => method === 'POST');
    return [
      {
        text: `it asked although the mode is act: ${waiting.question.reasons[0]?.text ?? 'no reason given'}`,
        holds: waiting.question.kind === 'approve' && waiting.question.because === 'migration_in_deploy',
      },
      {
        text: `no rollback before the approval by ${decision?.answered_by ?? 'a person'}`,
        holds: decision !== undefined && calls.every(({ at }) => millisOf(at) >= approvedAt),
      },
      onePage(outcome),
      oneRollback(outcome, { service: 'checkout', from: 'v42', to: 'v41' }),
      await verified(stage, outcome),
    ];
  },
};
