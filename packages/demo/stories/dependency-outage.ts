import { decisionsOf, noRollback, untilOver } from './outcome.ts';
import type { Story } from '../stage.ts';

const OUTAGE_MINUTES = 6;

/** Without a recent deploy, Firebreak must not roll back. */
export const dependencyOutage: Story = {
  name: 'dependency-outage',
  title: 'an outage of a dependency',
  about: 'payments-api and the services that depend on it fail. No change is the cause: no rollback.',
  services: {
    'payments-api': { version: 'v7', team: 'platform', component: 'Payments' },
    checkout: { version: 'v41', team: 'payments', component: 'Checkout', needs: ['payments-api'] },
    orders: { version: 'v12', team: 'orders', needs: ['payments-api'] },
  },
  async play(stage) {
    await stage.waitMinutes(2);
    stage.breakDown(['payments-api'], 'its machines are down');
    await stage.until('a decision for each service', async () => {
      const judged = (await stage.incidents()).filter(({ decisions }) => decisions.length > 0);
      return judged.length >= stage.toys.length;
    });
    await stage.waitMinutes(OUTAGE_MINUTES);
    stage.repair(['payments-api'], 'its machines are back');
    const outcome = await untilOver(stage);
    const parents = outcome.incidents.filter(({ parent_id }) => parent_id === null);
    const decisions = decisionsOf(outcome);
    return [
      {
        text: `one parent incident: ${parents.map(({ title }) => title).join('; ')}`,
        holds: parents.length === 1 && outcome.incidents.length === 1 + stage.toys.length,
      },
      // The first incident can page before Firebreak groups them.
      {
        text: `at most two pages: ${outcome.pagerduty.incidents.map(({ title }) => `"${title}"`).join(', ')}`,
        holds: outcome.pagerduty.incidents.length >= 1 && outcome.pagerduty.incidents.length <= 2,
      },
      noRollback(outcome),
      {
        text: `it gave the reason: ${[...new Set(decisions.map(({ reasons }) => reasons[0]?.text))].join('; ')}`,
        holds:
          decisions.length === stage.toys.length &&
          decisions.every(({ kind, because }) => kind === 'none' && because === 'no_confident_suspect'),
      },
    ];
  },
};
