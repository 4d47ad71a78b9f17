import type { DecisionView, IncidentView } from '../../schemas/incident.ts';
import { incidentChannels, shownBy, type Views } from '../shown.ts';
import type { Stage } from '../stage.ts';
import type { Fact } from './story.ts';

/** All that a story can be judged by, read at its end. */
export type Outcome = Views & {
  incidents: IncidentView[];
  channels: Views['slack']['channels'];
};

const outcomeOf = async (stage: Stage): Promise<Outcome> => {
  const views = await shownBy(stage.firebreak);
  return { ...views, incidents: await stage.incidents(), channels: incidentChannels(views) };
};

/** Waits until all incidents are over, and every vendor shows it. */
export const untilOver = (stage: Stage): Promise<Outcome> =>
  stage.until('everything to be over, and every vendor to show it', async () => {
    const outcome = await outcomeOf(stage);
    const { incidents, pagerduty, statuspage, channels } = outcome;
    const all = [...incidents, ...pagerduty.incidents, ...statuspage.incidents];
    const told = channels.length > 0 && channels.every(saysResolved);
    return all.every(({ status }) => status === 'resolved') && told && outcome;
  });

/** Its last words, and what stands on top of it. */
const saysResolved = ({ topic, messages }: Outcome['channels'][number]): boolean =>
  topic.includes('resolved') && messages.some(({ text }) => text.includes('Resolved: '));

/** The only incident, when there is only one. */
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
  text: `nothing was rolled back`,
  holds: cd.rollbacks.length === 0,
});

export const oneChannel = ({ channels }: Outcome): Fact => ({
  text: `one channel for it: ${channels.map(({ name, messages }) => `#${name}, ${messages.length} messages`).join('; ')}`,
  holds: channels.length === 1,
});

/** Healthy by the service's own error ratio, after which the incident was closed. */
export async function verified(stage: Stage, { incidents: [incident] }: Outcome): Promise<Fact> {
  const entries = incident === undefined ? [] : await stage.timeline(incident);
  const kinds = entries.map(({ kind }) => kind);
  const passed = kinds.indexOf('verification.passed');
  return {
    text: 'closed only when the service itself was seen to be well again',
    holds: passed >= 0 && passed < kinds.indexOf('incident.resolved'),
  };
}
