import { type Publication, sendUpdateToStakeholders } from '../../../core/actions/incidents/acknowledge.ts';
import { UPDATE_RECORDED } from '../../../core/domain/people/roles.ts';
import { answered } from '../outcome.ts';
import { TEXT_MAX, textInput } from '../modals/blocks.ts';
import { FIELDS } from '../modals/form.ts';
import type { IncidentVerb, RunIncidentVerb } from './verb.ts';

/** `publish`: also approves the status page. Only the dialog sets it; the command `publish` does not. */
type Update = { text: string; nextSeconds?: number | null; publish?: true };

/** Maximum length of a duration, in UTF-16 code units. */
const DURATION_MAX = 50;

export const update: IncidentVerb<{ text: string | null }, Update> = {
  permission: 'incidents:write',
  ofIncident: true,
  command: 'incident',
  name: 'update',
  aliases: ['publish', 'say'],
  usage: 'update [TEXT]',
  description: 'send an update to stakeholders',
  parse: ({ textFrom }) => ({ text: textFrom(0) }),
  isComplete: (draft): draft is Update => draft.text !== null,
  dialog: {
    id: 'publish_update',
    title: 'Publish an update',
    submit: 'Publish',
    field: FIELDS.text,
    isNeededFor: ({ text }) => text === null,
    blocks: ({ incidentFields }) => [
      ...incidentFields,
      textInput({
        field: FIELDS.text,
        label: 'Update',
        hint: 'For stakeholders: what is known, and what is being done. If the status page waits for approval, this also approves it; the page uses its own texts.',
        max: TEXT_MAX,
        lines: true,
      }),
      textInput({
        field: FIELDS.duration,
        label: 'Next update in',
        hint: 'Such as 30 min or 2 h. Empty: when something changes.',
        optional: true,
        max: DURATION_MAX,
      }),
    ],
    read: (fields) => ({
      text: fields.needed(FIELDS.text, 'Enter an update'),
      nextSeconds: fields.duration(),
      publish: true,
    }),
  },
  buttons: { publish: 'dialog' },
  startingWith: (request, word) => ({ ...request, text: `${word} ${request.text}` }),
  freeText: ({ text }) => text,
  neverLate: true,
};

export const runUpdate: RunIncidentVerb<Update> = async (deps, { caller, key }, id, request) => {
  const { text, nextSeconds, publish = false } = request;
  const sent = await sendUpdateToStakeholders(deps, caller, {
    id,
    key,
    text,
    ...(nextSeconds != null && { nextMinutes: Math.ceil(nextSeconds / 60) }),
    publish: publish ? 'if_shown' : 'no',
  });
  return answered(`${UPDATE_RECORDED}${publicWords(sent.public)}`);
};

function publicWords(publication: Publication): string {
  switch (publication.state) {
    case 'published':
      return ' The status page can now show the incident, with its own texts.';
    case 'waits':
      return ' The status page still waits for approval: use "Publish update…".';
    case 'not_shown':
      return ` The status page does not show the incident, because ${publication.reason}.`;
    case 'nothing':
      return '';
  }
}
