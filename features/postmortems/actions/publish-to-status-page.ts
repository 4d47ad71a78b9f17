import { publicComponents, serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { list } from '../../../core/domain/correlation/words.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import type { Story } from '../../../core/domain/messages/story.ts';
import type { Deps } from '../ports.ts';
import { namingOf } from '../decisions/blameless.ts';
import { QUESTION } from '../decisions/lint.ts';
import { durationWords } from '../decisions/words.ts';
import { internalIn, type InternalTexts, type PublicFinding } from '../decisions/internal-texts.ts';
import { pagesOf } from '../../status-page/decisions/pages.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { PostmortemView } from '../schemas/postmortem.ts';
import type { PublicIncident, PublicPostmortemInput } from '../../status-page/schemas/public-incident.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { requireRecord } from '../../../core/actions/incidents/require-incident.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { gather } from './gather.ts';
import { type PostmortemDeps, readPostmortem } from './postmortem.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

export type PublicPostmortemDeps = PostmortemDeps & Pick<Deps, 'publicIncidents' | 'log'>;

/** The section of a post-mortem that readers of the status page may see. */
export const PUBLIC_SUMMARY = 'Public summary';

/** What a person can publish, and what is public. Null: the status page does not show the incident, or it is not over. */
export type PublicPostmortem = {
  record: PublicIncident;
  /** The text to begin with: what is public, else the section "Public summary", else a draft. */
  proposed: string;
  /** Whether the post-mortem itself is published, which comes first. */
  isReady: boolean;
};

/** Returns the public incident of a resolved incident. Null: there is none. */
async function publicRecord(deps: PublicPostmortemDeps, id: IncidentId): Promise<PublicIncident | null> {
  const record = await deps.publicIncidents.read(deps.publicIncidents.idOf(id));
  return record === undefined || record.resolved_at === null ? null : record;
}

/**
 * Returns what the status page shows of a post-mortem.
 *
 * @throws Refusal 403, 404
 */
export async function readPublicPostmortem(
  deps: PublicPostmortemDeps,
  view: PostmortemView,
): Promise<PublicPostmortem | null> {
  const record = await publicRecord(deps, view.incident_id);
  if (record === null) return null;
  const section = view.sections.find(({ heading }) => heading === PUBLIC_SUMMARY)?.text.trim();
  return {
    record,
    proposed: record.postmortem?.text ?? (section || publicDraft(record)),
    isReady: view.state === 'published',
  };
}

const publicDraft = ({ components, started_at, resolved_at }: PublicIncident): string => {
  const words = resolved_at === null ? '' : ` for ${durationWords(secondsBetween(started_at, resolved_at))}`;
  return `${list(components)} did not work as usual${words}. We are sorry for the trouble.

## What happened

> ${QUESTION} What did readers notice, and what was the cause?

## What we do about it

> ${QUESTION} What have you changed, and what will you change?
`;
};

/**
 * Publishes a text about a resolved incident on the status pages that show it, or replaces it.
 *
 * @throws Refusal 403, 404; 409 if it cannot be published yet; 422 `internal-names` if it contains what is internal
 */
export async function publishToStatusPage(
  deps: PublicPostmortemDeps,
  caller: Caller,
  id: IncidentId,
  { text, permit }: PublicPostmortemInput,
): Promise<PublicIncident> {
  const { incident, record } = await requirePublishable(deps, caller, id);
  const view = await readPostmortem(deps, caller, { id });
  if (view.state !== 'published')
    throw new Refusal(
      409,
      'postmortem-not-published',
      `the post-mortem of ${incidentName(incident)} is not published: set its state to published first`,
    );
  const findings = await findingsOf(deps, id, text, permit);
  if (findings.length > 0) throw new InternalNames(findings);
  if (record.postmortem?.text === text) return record;
  const at = deps.clock.now();
  return storePublic(deps, caller, id, {
    ...record,
    postmortem: { at: record.postmortem?.at ?? at, updated_at: at, text },
  });
}

/**
 * Removes the text from the status pages.
 *
 * @throws Refusal 403, 404, 409
 */
export async function withdrawFromStatusPage(
  deps: PublicPostmortemDeps,
  caller: Caller,
  id: IncidentId,
): Promise<PublicIncident> {
  const { record } = await requirePublishable(deps, caller, id);
  const { postmortem, ...rest } = record;
  return postmortem === undefined ? record : storePublic(deps, caller, id, rest);
}

/** The text contains what readers must not see. */
export class InternalNames extends Refusal {
  readonly findings: readonly PublicFinding[];

  constructor(findings: readonly PublicFinding[]) {
    const words = findings.map(({ text }) => `"${truncated(text, 80)}"`).join(', ');
    super(422, 'internal-names', `text: readers of the status page must not see ${words}: use other words`);
    this.findings = findings;
  }
}

/** @throws Refusal 403, 404, 409 */
async function requirePublishable(
  deps: PublicPostmortemDeps,
  caller: Caller,
  id: IncidentId,
): Promise<{ incident: IncidentRecord; record: PublicIncident }> {
  const incident = await requireRecord(deps, id);
  caller.allow('incidents:act', incident);
  const record = await publicRecord(deps, id);
  if (record !== null) return { incident, record };
  throw new Refusal(
    409,
    'incident-not-public',
    incident.status === 'resolved'
      ? `the status page does not show ${incidentName(incident)}, so it has no post-mortem there`
      : `${incidentName(incident)} is not resolved on the status page; publish its post-mortem after that`,
  );
}

/** After its end, nothing else writes the record: the projector of the status page leaves it as it is. */
async function storePublic(
  deps: PublicPostmortemDeps,
  caller: Caller,
  id: IncidentId,
  record: PublicIncident,
): Promise<PublicIncident> {
  await deps.publicIncidents.write(record, false);
  const at = deps.clock.now();
  const isPublic = record.postmortem !== undefined;
  await deps.incidents.note(id, `public-postmortem-${isPublic ? 'published' : 'withdrawn'}-${at}`, {
    at,
    actor: caller.name,
    kind: isPublic ? 'statuspage.postmortem_published' : 'statuspage.postmortem_withdrawn',
    text: isPublic ? 'Published the post-mortem on the status page' : 'Removed the post-mortem from the status page',
    detail: null,
  });
  return record;
}

async function findingsOf(
  deps: PublicPostmortemDeps,
  id: IncidentId,
  text: string,
  permit: readonly string[],
): Promise<PublicFinding[]> {
  const gathered = await gather(deps, id, null);
  if (gathered === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  const { record } = gathered;
  const people = namingOf({ ...record, names: 'roles' }).hidden;
  return internalIn(text, internalTexts(record, people, await deps.config.current(), deps.publicUrl), permit);
}

function internalTexts(
  { incident, signals }: Pick<Story, 'incident' | 'signals'>,
  people: readonly string[],
  config: Config,
  publicUrl: string | undefined,
): InternalTexts {
  const pages = [...pagesOf(config).values()];
  const services = Object.entries(config.services);
  return {
    names: [
      incident.id,
      ...services.map(([name]) => name),
      ...services.flatMap(([, { team }]) => team ?? []),
      ...people,
    ],
    labels: signals.flatMap(({ labels }) => labels.map(([, value]) => value)),
    texts: [
      incident.title,
      ...signals.flatMap(({ title, annotations }) => [title, ...annotations.map(([, value]) => value)]),
    ],
    published: [
      ...publicComponents(config.services),
      ...pages.flatMap(({ title, components }) => [title, ...components.map(({ name }) => name)]),
      serviceEntry(config.services, incident.service)?.statusPage?.components ?? [],
    ].flat(),
    hosts: [...pages.flatMap(({ url }) => url ?? []), `${publicUrl ?? ''}/status`].flatMap(
      (url) => URL.parse(url)?.host ?? [],
    ),
  };
}
