import { decisionsOf, noRollback, untilOver } from './outcome.ts';
import type { Story } from './story.ts';

const OUTAGE_MINUTES = 6;

/** Nobody has deployed anything: there is nothing to roll back, and Firebreak does not. */
export const dependencyOutage: Story = {
  name: 'dependency-outage',
  title: 'an outage of a dependency',
  about: 'payments-api is down, and with it what needs it. No change has caused it, so nothing is rolled back.',
  services: {
    'payments-api': { version: 'v7', team: 'platform', component: 'Payments' },
    checkout: { version: 'v41', team: 'payments', component: 'Checkout', needs: ['payments-api'] },
    orders: { version: 'v12', team: 'orders', needs: ['payments-api'] },
  },
  async play(stage) {
    await stage.pass(2);
    stage.breakDown(['payments-api'], 'its machines are gone');
    await stage.until('an alert of each service to be judged', async () => {
      const judged = (await stage.incidents()).filter(({ decisions }) => decisions.length > 0);
      return judged.length >= stage.toys.length;
    });
    await stage.pass(OUTAGE_MINUTES);
    stage.repair(['payments-api'], 'its machines are back');
    const outcome = await untilOver(stage);
    const parents = outcome.incidents.filter(({ parent_id }) => parent_id === null);
    const decisions = decisionsOf(outcome);
    return [
      {
        text: `seen as one: ${parents.map(({ title }) => title).join('; ')}`,
        holds: parents.length === 1 && outcome.incidents.length === 1 + stage.toys.length,
      },
      // Whoever came first may have paged before it was seen that there are several.
      {
        text: `paged as one: ${outcome.pagerduty.incidents.map(({ title }) => `"${title}"`).join(', ')}`,
        holds: outcome.pagerduty.incidents.length >= 1 && outcome.pagerduty.incidents.length <= 2,
      },
      noRollback(outcome),
      {
        text: `it said why: ${[...new Set(decisions.map(({ reasons }) => reasons[0]?.text))].join('; ')}`,
        holds:
          decisions.length === stage.toys.length &&
          decisions.every(({ kind, because }) => kind === 'none' && because === 'no_confident_suspect'),
      },
    ];
  },
};
