import { type About, FIELDS, FORMS } from '../../../domain/slack-forms.ts';
import type { ModalView } from '../../../domain/slack-ports.ts';
import { modal, personSelect, severitySelect, textInput } from './blocks.ts';

/** As Slack takes of a text field. */
const TEXT_MAX = 3000;

/** What somebody changes of an incident. Which one, `about` says, or the channel that it says. */

export const severityModal = (about: About): ModalView =>
  modal({
    callback: FORMS.severity,
    title: 'Change the severity',
    submit: 'Change',
    about,
    blocks: [
      severitySelect(FIELDS.severity, null),
      textInput({ field: FIELDS.text, label: 'Why?', optional: true, max: TEXT_MAX, lines: true }),
    ],
  });

export const updateModal = (about: About): ModalView =>
  modal({
    callback: FORMS.update,
    title: 'Publish an update',
    submit: 'Publish',
    about,
    blocks: [
      textInput({
        field: FIELDS.text,
        label: 'What is new?',
        hint: 'For those who wait for news: what is known, what is being done, when they hear more.',
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });

export const handoverModal = (about: About, user: string | null): ModalView =>
  modal({
    callback: FORMS.handover,
    title: 'Hand over',
    submit: 'Hand over',
    about,
    blocks: [
      personSelect({ field: FIELDS.user, label: 'Who takes command?', initial: user }),
      textInput({
        field: FIELDS.text,
        label: 'What do they have to know?',
        hint: 'What is broken for whom, what was tried, what comes next.',
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });

export const resolveModal = (about: About): ModalView =>
  modal({
    callback: FORMS.resolve,
    title: 'Resolve the incident',
    submit: 'Resolve',
    about,
    blocks: [
      textInput({
        field: FIELDS.text,
        label: 'How did it end?',
        optional: true,
        max: TEXT_MAX,
        lines: true,
      }),
    ],
  });
