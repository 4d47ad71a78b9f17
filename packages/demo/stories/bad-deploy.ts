import { oneChannel, onePage, oneRollback, untilOver, verified } from './outcome.ts';
import type { Story } from '../stage.ts';

/** The main use case of Firebreak. */
export const badDeploy: Story = {
  name: 'bad-deploy',
  title: 'a bad deploy',
  about: 'A deploy breaks checkout. Firebreak rolls it back, verifies the recovery, and updates everyone.',
  services: { checkout: { version: 'v41', team: 'payments', component: 'Checkout' } },
  async play(stage) {
    await stage.waitMinutes(2);
    await stage.deploy('checkout', 'v42', { failing: 0.3 });
    await stage.untilRolledBack();
    const outcome = await untilOver(stage);
    return [
      onePage(outcome),
      oneRollback(outcome, { service: 'checkout', from: 'v42', to: 'v41' }),
      await verified(stage, outcome),
      oneChannel(outcome),
    ];
  },
};
