import type { DecisionView, IncidentView } from '../../../schemas/incidents/incident.ts';
import { incidentChannels, shownBy, type Views } from '../vendor-views.ts';
import type { Stage } from '../stage.ts';
import type { Fact } from './plan.ts';

/** State at the end of a story, for its checks. */
export type Outcome = Views & {
  incidents: IncidentView[];
  channels: Views['slack']['channels'];
};

const outcomeOf = async (stage: Stage): Promise<Outcome> => {
  const views = await shownBy(stage.firebreak);
  return { ...views, incidents: await stage.incidents(), channels: incidentChannels(views) };
};

/** Waits until all incidents are resolved, also in the vendors' views. */
export const untilOver = (stage: Stage): Promise<Outcome> =>
  stage.until('all incidents to be resolved, also at the vendors', async () => {
    const outcome = await outcomeOf(stage);
    const { incidents, pagerduty, statuspage, channels } = outcome;
    const all = [...incidents, ...pagerduty.incidents, ...statuspage.incidents];
    const notified = channels.length > 0 && channels.every(saysResolved);
    return all.every(({ status }) => status === 'resolved') && notified && outcome;
  });

/** Returns whether topic and messages of a channel say that the incident is resolved. */
const saysResolved = ({ topic, messages }: Outcome['channels'][number]): boolean =>
  topic.includes('resolved') && messages.some(({ text }) => text.includes('Resolved: '));

/** Returns the incident if there is exactly one. */
export async function onlyIncident(stage: Stage): Promise<IncidentView | undefined> {
  const [first, ...others] = await stage.incidents();
  return others.length === 0 ? first : undefined;
}

export const decisionsOf = ({ incidents }: Outcome): DecisionView[] => incidents.flatMap(({ decisions }) => decisions);

export const onePage = ({ pagerduty }: Outcome): Fact => ({
  text: `one page: ${pagerduty.incidents.map(({ title }) => `"${title}"`).join(', ')}`,
  holds: pagerduty.incidents.length === 1,
});

export const oneRollback = (
  { cd }: Outcome,
  { service, from, to }: { service: string; from: string; to: string },
): Fact => {
  const done = cd.rollbacks.map((one) => `${one.service} from ${one.from_version} to ${one.to_version}`);
  return {
    text: `one rollback at the CD system: ${done.join(', ') || 'none'}`,
    holds: done.length === 1 && done[0] === `${service} from ${from} to ${to}`,
  };
};

export const noRollback = ({ cd }: Outcome): Fact => ({
  text: 'no rollback',
  holds: cd.rollbacks.length === 0,
});

export const oneChannel = ({ channels }: Outcome): Fact => ({
  text: `one channel: ${channels.map(({ name, messages }) => `#${name}, ${messages.length} messages`).join('; ')}`,
  holds: channels.length === 1,
});

/** Checks that the incident was resolved only after verification by the service's error ratio. */
export async function verified(stage: Stage, { incidents: [incident] }: Outcome): Promise<Fact> {
  const entries = incident === undefined ? [] : await stage.timeline(incident);
  const kinds = entries.map(({ kind }) => kind);
  const passed = kinds.indexOf('verification.passed');
  return {
    text: 'resolved only after the recovery of the service was verified',
    holds: passed >= 0 && passed < kinds.indexOf('incident.resolved'),
  };
}
