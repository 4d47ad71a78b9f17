import { type About, FIELDS, FORMS } from '../../../domain/slack-forms.ts';
import type { Wanted } from '../../../domain/slack-commands.ts';
import type { ModalView } from '../../../domain/slack-ports.ts';
import { modal, textInput } from './blocks.ts';

/** Of a reason, as freezes keep it, and of names. */
const REASON_MAX = 2000;
const NAMES_MAX = 512;

type Open = Extract<Wanted, { act: 'freeze_open' }>;
type Override = Extract<Wanted, { act: 'freeze_override' }>;

/** Whole hours and minutes, as it would be typed. */
export function typedDuration(seconds: number | null): string | null {
  if (seconds === null) return null;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.ceil((seconds % 3600) / 60)];
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}` || '1m';
}

export const freezeModal = (about: About, { targets, environment, seconds, reason }: Open): ModalView =>
  modal({
    callback: FORMS.freeze,
    title: 'Freeze deploys',
    submit: 'Freeze',
    about,
    blocks: [
      textInput({
        field: FIELDS.target,
        label: 'Services or teams',
        hint: 'Several with commas between them. "team:payments" is surely a team. Empty: all services of the environment.',
        optional: true,
        initial: targets.join(', '),
        max: NAMES_MAX,
      }),
      textInput({
        field: FIELDS.environment,
        label: 'Environment',
        optional: true,
        initial: environment,
        max: 256,
        placeholder: 'all of them',
      }),
      textInput({
        field: FIELDS.duration,
        label: 'For how long?',
        optional: true,
        initial: typedDuration(seconds),
        max: 16,
        placeholder: '2h, or 30m; empty: until it is lifted',
      }),
      textInput({ field: FIELDS.reason, label: 'Why?', initial: reason, max: REASON_MAX, lines: true }),
    ],
  });

export const overrideModal = (about: About, { freeze, reason, uses, seconds }: Override): ModalView =>
  modal({
    callback: FORMS.override,
    title: 'Override a freeze',
    submit: 'Allow it',
    about,
    blocks: [
      textInput({ field: FIELDS.freeze, label: 'Which freeze, by its id?', initial: freeze, max: NAMES_MAX }),
      textInput({ field: FIELDS.reason, label: 'Why?', initial: reason, max: REASON_MAX, lines: true }),
      textInput({
        field: FIELDS.duration,
        label: 'How long does it hold?',
        initial: typedDuration(seconds) ?? '1h',
        max: 16,
      }),
      textInput({
        field: FIELDS.uses,
        label: 'For how many deploys?',
        optional: true,
        initial: String(uses ?? 1),
        max: 4,
      }),
    ],
  });
