import { type About, FIELDS, FORMS } from '../../domain/slack/forms.ts';
import type { ModalView, OpenIncident } from '../../domain/slack/ports.ts';
import { type Block, modal, personSelect, quoted, select, severitySelect, textInput } from './blocks.ts';

/** Slack's limit for a text field, in characters. */
const TEXT_MAX = 3000;

const whichField = { field: FIELDS.incident, label: 'Incident' };

export const labelOf = ({ channel, service, environment, title }: OpenIncident): string =>
  `${channel ?? 'no channel yet'}: ${service} ${environment}, ${title}`;

/** Returns a menu of the open incidents. If there is only one, it is preselected. */
export const incidentSelect = (open: readonly OpenIncident[]): Block =>
  select({
    ...whichField,
    options: open.map((one) => ({
      value: one.id,
      text: labelOf(one),
    })),
    initial: open.length === 1 ? (open[0]?.id ?? null) : null,
  });

/** Returns a text field for the incident, if no menu is possible. */
export const incidentText = (initial: string | null): Block =>
  textInput({
    ...whichField,
    hint: 'The channel of the incident, such as #incident-2611201, or its ID.',
    initial,
    max: 128,
  });

/** Modals that change an incident. `about` has the incident or its channel; otherwise, `which` asks for it. */

export const severityModal = (about: About, which: Block[] = []): ModalView =>
  modal({
    callback: FORMS.severity,
    title: 'Change the severity',
    submit: 'Change',
    about,
    blocks: [
      ...which,
      severitySelect(FIELDS.severity, null),
      textInput({ field: FIELDS.text, label: 'Reason', optional: true, max: TEXT_MAX, lines: true }),
    ],
  });

export const updateModal = (about: About, which: Block[] = []): ModalView =>
  modal({
    callback: FORMS.update,
    title: 'Publish an update',
    submit: 'Publish',
    about,
    blocks: [
      ...which,
      textInput({
        field: FIELDS.text,
        label: 'Update',
        hint: 'For stakeholders: what is known, what is being done, and when the next update follows. If the status page waits for approval, this also approves it; the page uses its own texts.',
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });

export const handoverModal = (about: About, user: string | null, which: Block[] = []): ModalView =>
  modal({
    callback: FORMS.handover,
    title: 'Hand over',
    submit: 'Hand over',
    about,
    blocks: [
      ...which,
      personSelect({ field: FIELDS.user, label: 'New commander', initial: user }),
      textInput({
        field: FIELDS.text,
        label: 'Summary',
        hint: 'Impact, actions so far, and next steps. If you leave it empty, Firebreak creates a summary from the incident.',
        optional: true,
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });

/** @param also description of the child incidents that are resolved as well; null: none */
export const resolveModal = (about: About, which: Block[] = [], also: string | null = null): ModalView =>
  modal({
    callback: FORMS.resolve,
    title: 'Resolve the incident',
    submit: 'Resolve',
    about,
    blocks: [
      ...which,
      ...quoted(
        also === null ? '' : `This also resolves ${also}. Alerts that fire afterwards page like any other incident.`,
      ),
      textInput({
        field: FIELDS.text,
        label: 'How was it resolved?',
        optional: true,
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });

/** Returns the modal that adds a message from another channel to the timeline. */
export const pinModal = (about: About, which: Block[]): ModalView =>
  modal({
    callback: FORMS.pin,
    title: 'Add to the timeline',
    submit: 'Add',
    about,
    blocks: [...which, ...(about.message === null ? [] : quoted(about.message.text))],
  });
