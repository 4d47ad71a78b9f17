import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { Stage } from '../stage.ts';
import { noRollback, type Outcome, untilOver } from './outcome.ts';
import type { Fact, ToyPlan } from './plan.ts';
import type { Story } from '../stage.ts';

/** More incidents than this at about the same time are grouped. */
const ALONE_AT_MOST = 2;

const OUTAGE_MINUTES = 5;

/** This service was just deployed, but the deploy is not the cause. */
const DEPLOYED = 'search';

const plan = (version: string, component?: string): ToyPlan => ({
  version,
  team: 'platform',
  ...(component !== undefined && { component }),
});

/** Eight pages do not help, and the rollback of one service is probably not the fix. */
export const manyAtOnce: Story = {
  name: 'many-at-once',
  title: 'eight services at once',
  about: 'The network fails: one incident with eight children, and no question about the deploy.',
  services: {
    accounts: plan('v3', 'Accounts'),
    cart: plan('v12'),
    catalog: plan('v8'),
    checkout: plan('v41', 'Checkout'),
    email: plan('v2'),
    orders: plan('v19'),
    reviews: plan('v5'),
    search: plan('v77', 'Search'),
  },
  routes: { manyAtOnce: { incidents: ALONE_AT_MOST, minutes: 5 } },
  async play(stage) {
    const names = stage.toys.map(({ name }) => name);
    await stage.deploy(DEPLOYED, 'v78', { failing: 0 });
    await stage.waitMinutes(1);
    stage.breakDown(
      names.filter((name) => name !== DEPLOYED),
      'the network between them fails',
    );
    await stage.until('Firebreak to group the incidents', async () => (await parentOf(stage)) !== undefined);
    stage.breakDown([DEPLOYED], 'it is also cut off');
    await stage.until('a decision for each service', async () => {
      const judged = (await stage.incidents()).filter(({ decisions }) => decisions.length > 0);
      return judged.length >= names.length;
    });
    await stage.waitMinutes(OUTAGE_MINUTES);
    stage.repair(names, 'the network is back');
    const outcome = await untilOver(stage);
    return factsOf(outcome, names);
  },
};

const parentOf = async (stage: Stage): Promise<IncidentView | undefined> =>
  (await stage.incidents()).find(({ service }) => !Object.hasOwn(manyAtOnce.services, service));

function factsOf(outcome: Outcome, names: readonly string[]): Fact[] {
  const { incidents, pagerduty, channels } = outcome;
  const parents = incidents.filter(({ parent_id }) => parent_id === null);
  const parts = incidents.filter(({ parent_id }) => parent_id === parents[0]?.id);
  const channel = channels.find(({ name }) => `#${name}` === parents[0]?.channel);
  const summary = JSON.stringify(channel?.messages[0]?.blocks ?? '');
  // A decision to wait for one more sample can precede it.
  const decision = incidents.find(({ service }) => service === DEPLOYED)?.decisions.at(-1);
  return [
    {
      text: `one incident with ${parts.length} children: ${parents.map(({ title }) => title).join('; ')}`,
      holds: parents.length === 1 && parts.length === names.length,
    },
    {
      text: `pages for ${names.length} services: ${pagerduty.incidents.length} (one for the group, and at most ${ALONE_AT_MOST} before grouping)`,
      holds: pagerduty.incidents.length <= ALONE_AT_MOST + 1,
    },
    {
      text: `one channel for the group, #${channel?.name ?? ''}, that lists each service`,
      holds: names.every((name) => summary.includes(name)) && channels.length <= ALONE_AT_MOST + 1,
    },
    {
      text: `for ${DEPLOYED}, which was just deployed, it said that ${decision?.reasons[0]?.text ?? ''}`,
      holds: decision?.kind === 'none' && decision.because === 'no_confident_suspect',
    },
    noRollback(outcome),
  ];
}
