import { aboutOf, digestOf, isDue, letterOf, type ToldBefore } from '../domain/digest.ts';
import type { ChatMessage, Mail, Told } from '../domain/outlets.ts';
import type { Deps } from '../domain/ports.ts';
import type { Story } from '../domain/story.ts';
import type { Config } from '../schemas/config.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { Stakeholder } from '../schemas/stakeholders.ts';
import { plusSeconds } from '../schemas/time.ts';

/** Incidents that were resolved for so long: whoever has heard of one hears that it is over. */
const RESOLVED_SECONDS = 3600;
const RESOLVED_READ = 50;

/** At most so many letters and messages a round: what is left has the next one. */
const SENT_MAX = 20;

type DigestDeps = Pick<Deps, 'incidents' | 'config' | 'clock' | 'log' | 'timeScale' | 'digests' | 'chat'> & {
  letters: Mail;
};

/**
 * Each minute: tells those who want to know how incidents stand. What was told is on record before it is sent, and is
 * taken back when it certainly was not: so a letter may be missing after a crash, and is not sent again and again.
 */
export async function digest(deps: DigestDeps, open: readonly IncidentRecord[]): Promise<{ sent: number }> {
  const config = await deps.config.current();
  if (config.response.stakeholders.length === 0) return { sent: 0 };
  let sent = 0;
  for (const incident of [...open, ...(await justResolved(deps))]) {
    if (sent >= SENT_MAX) break;
    sent += await tellOf(deps, incident, config);
  }
  return { sent };
}

async function justResolved({ incidents, clock }: DigestDeps): Promise<IncidentRecord[]> {
  const since = plusSeconds(clock.now(), -RESOLVED_SECONDS);
  const { items } = await incidents.list({ status: 'resolved', limit: RESOLVED_READ });
  const recent = items.filter(({ resolved_at: at }) => at !== null && at > since);
  const records = await Promise.all(recent.map(({ id }) => incidents.read(id)));
  return records.flatMap((record) => record ?? []);
}

async function tellOf(
  deps: DigestDeps,
  incident: IncidentRecord,
  { services, response: { stakeholders } }: Config,
): Promise<number> {
  const asked = { services, now: deps.clock.now(), timeScale: deps.timeScale };
  const before = await deps.digests.read(incident.id);
  const due = stakeholders.flatMap((stakeholder) =>
    addressesOf(stakeholder)
      .filter((address) => isDue(incident, stakeholder, before[address], asked))
      .map((address) => ({ address, stakeholder })),
  );
  if (due.length === 0) return 0;
  const story = await deps.incidents.story(incident.id, null);
  if (story === undefined) return 0;
  let sent = 0;
  for (const { address } of new Map(due.map((one) => [one.address, one])).values())
    if (await tell(deps, story, address, before[address])) sent += 1;
  return sent;
}

/** Each address by itself: one that is refused keeps nothing from the others. */
const addressesOf = ({ email = [], slack }: Stakeholder): string[] => [
  ...email.map((address) => `mailto:${address.toLowerCase()}`),
  ...(slack === undefined ? [] : [`slack:${slack}`]),
];

async function tell(deps: DigestDeps, story: Story, address: string, before: ToldBefore | undefined): Promise<boolean> {
  const { incident } = story;
  const now = { about: aboutOf(incident), at: deps.clock.now() };
  await deps.digests.record(incident.id, address, now);
  const told = await send(deps, digestOf(story), address, `digest ${incident.id} ${address} ${now.at}`);
  if (told.kind === 'done') return true;
  deps.log.warn('a stakeholder could not be told', { incident: incident.id, how: told.kind, detail: told.detail });
  // Certainly not sent: the next round tries again. What is refused would be refused again.
  if (told.kind === 'later') await deps.digests.record(incident.id, address, { about: '', at: before?.at ?? now.at });
  return false;
}

function send(
  { chat, letters }: DigestDeps,
  message: ChatMessage,
  address: string,
  key: string,
): Promise<Told<unknown>> {
  const [kind, rest] = [address.slice(0, address.indexOf(':')), address.slice(address.indexOf(':') + 1)];
  return kind === 'slack'
    ? chat.post(rest, message, key)
    : letters.send({ to: [rest], subject: message.summary, text: letterOf(message), key });
}
