import { openChildren, openChildrenWords, stillFiringText } from '../../../core/domain/incidents/children.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { supersededText } from '../../../core/domain/changes/superseded.ts';
import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import { executeResponseAction } from '../../../core/actions/incidents/response-action.ts';
import { answered } from '../outcome.ts';
import { quoted, TEXT_MAX, textInput } from '../modals/blocks.ts';
import { type ModalContext, FIELDS } from '../modals/form.ts';
import type { RequestContext } from '../request-context.ts';
import { BRIEF_PATIENCE_MS } from '../requests/cached-reads.ts';
import type { IncidentVerb, RunIncidentVerb } from './verb.ts';

type Resolve = { note: string | null };

export const resolve: IncidentVerb<Resolve> = {
  permission: 'incidents:act',
  ofIncident: true,
  command: 'incident',
  name: 'resolve',
  aliases: ['close', 'done', 'resolved'],
  usage: 'resolve [NOTE]',
  description: 'resolve the incident',
  parse: ({ textFrom }) => ({ note: textFrom(0) }),
  dialog: {
    id: 'resolve_incident',
    title: 'Resolve the incident',
    submit: 'Resolve',
    field: FIELDS.text,
    isNeededFor: ({ note }) => note === null,
    blocks: async ({ modalContext, incidentFields, waiting: context }) => [
      ...incidentFields,
      ...quoted(childrenNotice(await childrenOf(context, modalContext))),
      textInput({
        field: FIELDS.text,
        label: 'How was it resolved?',
        optional: true,
        max: TEXT_MAX,
        lines: true,
      }),
    ],
    read: (fields) => ({ note: fields.text(FIELDS.text) }),
  },
  buttons: { resolve: 'dialog' },
  freeText: ({ note }) => note,
};

/** Describes the open children of a parent incident. Null: none, or they can't be read; then the answer describes them. */
async function childrenOf({ cachedReads: reads }: RequestContext, modalContext: ModalContext): Promise<string | null> {
  const open = modalContext.incident === null ? null : await reads.openIncidents(BRIEF_PATIENCE_MS);
  const children = (open?.value ?? []).filter(
    ({ parent_id }) => parent_id !== undefined && parent_id === modalContext.incident,
  );
  return openChildrenWords(openChildren(children.map((incident) => ({ incident }))));
}

const childrenNotice = (children: string | null): string =>
  children === null ? '' : `This also resolves ${children}. Alerts that fire afterwards page like any other incident.`;

export const runResolve: RunIncidentVerb<Resolve> = async (deps, { caller, key }, id, { note }) => {
  const before = await requireIncident(deps, id);
  if (before.status === 'resolved') return answered(`Superseded: ${supersededText(before, '')}.`);
  const children = await deps.incidentGroups.children(id);
  const childrenWords = openChildrenWords(openChildren(children));
  const firing = stillFiringText(before.firing);
  await executeResponseAction(deps, caller, { id, action: 'resolve', note: note ?? '', key });
  return answered(
    `${incidentName(before)} is resolved${childrenWords === null ? '' : `, together with ${childrenWords}`}.${firing === null ? '' : ` ⚠️ ${firing}.`}`,
  );
};
