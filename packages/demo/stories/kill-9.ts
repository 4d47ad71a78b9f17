import { oneChannel, onePage, oneRollback, untilOver, verified } from './outcome.ts';
import type { Stage } from '../stage.ts';
import type { Story } from '../stage.ts';

/** Downtime, in minutes of the story. */
const DEAD_MINUTES = 1;

/** Firebreak continues where it was after a crash. */
export const kill9: Story = {
  name: 'kill-9',
  title: 'a bad deploy, with kill -9 during the response',
  about: 'Firebreak is killed during the rollback and during verification. Nothing is lost or repeated.',
  services: { checkout: { version: 'v41', team: 'payments', component: 'Checkout' } },
  async play(stage) {
    await stage.waitMinutes(2);
    await stage.deploy('checkout', 'v42', { failing: 0.3 });
    await stage.until('a rollback request to the CD system', async () => (await stage.calls('cd')).length > 0);
    await killAndStart(stage, 'during the rollback');
    await stage.untilRolledBack();
    await killAndStart(stage, 'during the verification');
    const outcome = await untilOver(stage);
    return [
      onePage(outcome),
      oneRollback(outcome, { service: 'checkout', from: 'v42', to: 'v41' }),
      oneChannel(outcome),
      await verified(stage, outcome),
    ];
  },
};

async function killAndStart(stage: Stage, when: string): Promise<void> {
  await stage.firebreak.kill9();
  stage.say({ speaker: 'kill -9', text: `kills Firebreak and its database ${when}`, tone: 'bad' });
  await stage.waitMinutes(DEAD_MINUTES);
  await stage.firebreak.start();
  stage.say({ speaker: 'npm start', text: 'restarts it with the same data', tone: 'good' });
}
