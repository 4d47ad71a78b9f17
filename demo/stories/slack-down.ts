import { millisOf } from '../../schemas/time.ts';
import type { Stage } from '../stage.ts';
import { oneChannel, onePage, onlyIncident, oneRollback, type Outcome, untilOver } from './outcome.ts';
import type { Fact, Story } from './story.ts';

/** After the rollback, in minutes of the story. */
const STILL_DOWN_MINUTES = 5;

/** Page and rollback wait for nobody, and what Slack missed it has afterwards. */
export const slackDown: Story = {
  name: 'slack-down',
  title: 'a bad deploy while Slack is down',
  about: 'Page and rollback do not wait for Slack. When it is back, it has all of it, in order, nothing twice.',
  services: { checkout: { version: 'v41', team: 'payments', component: 'Checkout' } },
  async play(stage) {
    const fault = { kind: 'status', status: 503 };
    await stage.firebreak.change('PUT', '/sandbox/faults', { vendor: 'slack', fault });
    stage.say({ who: 'Slack', text: 'is down: it answers 503 to everything', tone: 'bad' });
    await stage.pass(2);
    await stage.deploy('checkout', 'v42', { failing: 0.3 });
    await stage.untilRolledBack();
    await stage.pass(STILL_DOWN_MINUTES);
    // Said first: what it does once it is back is told as it comes.
    stage.say({ who: 'Slack', text: 'is back', tone: 'good' });
    const backAt = Date.now();
    await stage.firebreak.change('DELETE', '/sandbox/faults');
    const outcome = await untilOver(stage);
    return [
      await before(stage, backAt),
      onePage(outcome),
      oneRollback(outcome, { service: 'checkout', from: 'v42', to: 'v41' }),
      oneChannel(outcome),
      await wholeInOrder(stage, outcome),
    ];
  },
};

/** What could not wait did not. */
async function before(stage: Stage, backAt: number): Promise<Fact> {
  const incident = await onlyIncident(stage);
  const effects = incident?.effects.filter(({ kind }) => kind === 'page' || kind === 'roll-back') ?? [];
  return {
    text: 'page and rollback were done while Slack was down',
    holds: effects.length === 2 && effects.every(({ state, at }) => state === 'succeeded' && millisOf(at) < backAt),
  };
}

/** Each message after the summary repeats an entry of the timeline, in its order; what matters is there. */
async function wholeInOrder(stage: Stage, { incidents: [incident], channels: [channel] }: Outcome): Promise<Fact> {
  const entries = incident === undefined ? [] : await stage.timeline(incident);
  const messages = (channel?.messages ?? []).slice(1).map(({ text }) => text);
  const places = messages.map((message) => entries.findIndex(({ text }) => message.endsWith(text)));
  const told = new Set(places.map((place) => entries[place]?.kind));
  const whole = ['page.succeeded', 'decision', 'mitigation.succeeded', 'verification.passed', 'incident.resolved'];
  return {
    text: `the channel tells all of it, in order, nothing twice (${messages.length} messages after the summary)`,
    holds: places.every((place, index) => place > (places[index - 1] ?? -1)) && whole.every((kind) => told.has(kind)),
  };
}
