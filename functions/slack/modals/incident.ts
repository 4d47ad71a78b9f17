import { type About, FIELDS, FORMS } from '../../../domain/slack-forms.ts';
import type { ModalView, OpenIncident } from '../../../domain/slack-ports.ts';
import { type Block, modal, personSelect, quoted, select, severitySelect, textInput } from './blocks.ts';

/** As Slack takes of a text field. */
const TEXT_MAX = 3000;

const whichField = { field: FIELDS.incident, label: 'Which incident?' };

export const labelOf = ({ channel, service, environment, title }: OpenIncident): string =>
  `${channel ?? 'no channel yet'}: ${service} ${environment}, ${title}`;

/** Of those that are open. Where there is only one it is chosen. */
export const incidentSelect = (open: readonly OpenIncident[]): Block =>
  select({
    ...whichField,
    options: open.map((one) => ({
      value: one.id,
      text: labelOf(one),
    })),
    initial: open.length === 1 ? (open[0]?.id ?? null) : null,
  });

/** Where they cannot be offered. */
export const incidentText = (initial: string | null): Block =>
  textInput({ ...whichField, hint: 'Its channel, as #incident-2611201, or its id.', initial, max: 128 });

/** What somebody changes of an incident. Which one, `about` says, or the channel that it says, or `which` asks. */

export const severityModal = (about: About, which: Block[] = []): ModalView =>
  modal({
    callback: FORMS.severity,
    title: 'Change the severity',
    submit: 'Change',
    about,
    blocks: [
      ...which,
      severitySelect(FIELDS.severity, null),
      textInput({ field: FIELDS.text, label: 'Why?', optional: true, max: TEXT_MAX, lines: true }),
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
        label: 'What is new?',
        hint: 'For those who wait for news: what is known, what is being done, when they hear more. Where the status page waits for a word, it may speak from now on, in words of its own.',
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
      personSelect({ field: FIELDS.user, label: 'Who takes command?', initial: user }),
      textInput({
        field: FIELDS.text,
        label: 'What do they have to know?',
        hint: 'What is broken for whom, what was tried, what comes next. Empty: what the incident itself tells of that.',
        optional: true,
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });

/** @param also what closes with it, in words; null: nothing does */
export const resolveModal = (about: About, which: Block[] = [], also: string | null = null): ModalView =>
  modal({
    callback: FORMS.resolve,
    title: 'Resolve the incident',
    submit: 'Resolve',
    about,
    blocks: [
      ...which,
      ...quoted(also === null ? '' : `With it close ${also}. What fires after that pages as any incident.`),
      textInput({
        field: FIELDS.text,
        label: 'How did it end?',
        optional: true,
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });

/** Puts a message of another place onto the timeline. */
export const pinModal = (about: About, which: Block[]): ModalView =>
  modal({
    callback: FORMS.pin,
    title: 'Add to the timeline',
    submit: 'Add',
    about,
    blocks: [...which, ...(about.message === null ? [] : quoted(about.message.text))],
  });
