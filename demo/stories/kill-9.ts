import { oneChannel, onePage, oneRollback, untilOver, verified } from './outcome.ts';
import type { Stage } from '../stage.ts';
import type { Story } from './story.ts';

/** How long nobody notices, in minutes of the story. */
const DEAD_MINUTES = 1;

/** Whatever dies in the middle goes on where it was. */
export const kill9: Story = {
  name: 'kill-9',
  title: 'a bad deploy, and kill -9 in the middle',
  about: 'Firebreak is killed while it rolls back, and again while it watches. Nothing is lost or done twice.',
  services: { checkout: { version: 'v41', team: 'payments', component: 'Checkout' } },
  async play(stage) {
    await stage.pass(2);
    await stage.deploy('checkout', 'v42', { failing: 0.3 });
    await stage.until('the CD system to be asked for a rollback', async () => (await stage.calls('cd')).length > 0);
    await killAndStart(stage, 'in the middle of the rollback');
    await stage.untilRolledBack();
    await killAndStart(stage, 'while it watches whether that has helped');
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
  stage.say({ who: 'kill -9', text: `ends all of Firebreak, its database included, ${when}`, tone: 'bad' });
  await stage.pass(DEAD_MINUTES);
  await stage.firebreak.start();
  stage.say({ who: 'npm start', text: 'starts it again on the same data', tone: 'good' });
}
