import { millisOf } from '../../../schemas/time/time.ts';
import type { Stage } from '../stage.ts';
import { oneChannel, onePage, onlyIncident, oneRollback, type Outcome, untilOver } from './outcome.ts';
import type { Fact } from './plan.ts';
import type { Story } from '../stage.ts';

/** Time until Slack recovers after the rollback, in minutes of the story. */
const STILL_DOWN_MINUTES = 5;

/** Page and rollback do not depend on Slack, and Slack catches up afterwards. */
export const slackDown: Story = {
  name: 'slack-down',
  title: 'a bad deploy while Slack is down',
  about: 'Page and rollback do not wait for Slack, which later gets all messages once and in order.',
  services: { checkout: { version: 'v41', team: 'payments', component: 'Checkout' } },
  async play(stage) {
    const fault = { kind: 'status', status: 503 };
    await stage.firebreak.change('PUT', '/sandbox/faults', { vendor: 'slack', fault });
    stage.say({ speaker: 'Slack', text: 'is down: answers 503 to every request', tone: 'bad' });
    await stage.waitMinutes(2);
    await stage.deploy('checkout', 'v42', { failing: 0.3 });
    await stage.untilRolledBack();
    await stage.waitMinutes(STILL_DOWN_MINUTES);
    // Printed before the fault is removed, so that the line precedes Slack's next calls.
    stage.say({ speaker: 'Slack', text: 'is back', tone: 'good' });
    const backAt = Date.now();
    await stage.firebreak.change('DELETE', '/sandbox/faults');
    const outcome = await untilOver(stage);
    return [
      await succeededWhileDown(stage, backAt),
      onePage(outcome),
      oneRollback(outcome, { service: 'checkout', from: 'v42', to: 'v41' }),
      oneChannel(outcome),
      await allMessagesInOrder(stage, outcome),
    ];
  },
};

/** Checks that page and rollback succeeded while Slack was down. */
async function succeededWhileDown(stage: Stage, backAt: number): Promise<Fact> {
  const incident = await onlyIncident(stage);
  const effects = incident?.effects.filter(({ kind }) => kind === 'page' || kind === 'roll-back') ?? [];
  return {
    text: 'page and rollback succeeded while Slack was down',
    holds: effects.length === 2 && effects.every(({ state, at }) => state === 'succeeded' && millisOf(at) < backAt),
  };
}

/** Checks that the messages after the summary repeat timeline entries in order, including all required kinds. */
async function allMessagesInOrder(
  stage: Stage,
  { incidents: [incident], channels: [channel] }: Outcome,
): Promise<Fact> {
  const entries = incident === undefined ? [] : await stage.timeline(incident);
  const messages = (channel?.messages ?? []).slice(1).map(({ text }) => text);
  const positions = messages.map((message) => entries.findIndex(({ text }) => message.endsWith(text)));
  const shown = new Set(positions.map((position) => entries[position]?.kind));
  const required = ['page.succeeded', 'decision', 'mitigation.succeeded', 'verification.passed', 'incident.resolved'];
  return {
    text: `the channel has all messages, once and in order (${messages.length} messages after the summary)`,
    holds:
      positions.every((position, index) => position > (positions[index - 1] ?? -1)) &&
      required.every((kind) => shown.has(kind)),
  };
}
