import { type About, FIELDS, FORMS } from '../../domain/slack/forms.ts';
import type { Wanted } from '../../domain/slack/commands.ts';
import type { ModalView } from '../../domain/slack/ports.ts';
import { modal, textInput } from './blocks.ts';

/** Maximum lengths of a freeze's reason and of names. */
const REASON_MAX = 2000;
const NAMES_MAX = 512;

type Open = Extract<Wanted, { act: 'freeze_open' }>;
type Override = Extract<Wanted, { act: 'freeze_override' }>;

/** Formats a duration as a user would enter it, in whole hours and minutes. */
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
        hint: 'Separate several names with commas. "team:payments" always means a team. Leave empty to freeze all services of the environment.',
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
        placeholder: 'all environments',
      }),
      textInput({
        field: FIELDS.duration,
        label: 'Duration',
        optional: true,
        initial: typedDuration(seconds),
        max: 16,
        placeholder: '2h or 30m; empty: until the freeze is lifted',
      }),
      textInput({ field: FIELDS.reason, label: 'Reason', initial: reason, max: REASON_MAX, lines: true }),
    ],
  });

export const overrideModal = (about: About, { freeze, reason, uses, seconds }: Override): ModalView =>
  modal({
    callback: FORMS.override,
    title: 'Override a freeze',
    submit: 'Override',
    about,
    blocks: [
      textInput({ field: FIELDS.freeze, label: 'Freeze ID', initial: freeze, max: NAMES_MAX }),
      textInput({ field: FIELDS.reason, label: 'Reason', initial: reason, max: REASON_MAX, lines: true }),
      textInput({
        field: FIELDS.duration,
        label: 'Duration',
        initial: typedDuration(seconds) ?? '1h',
        max: 16,
      }),
      textInput({
        field: FIELDS.uses,
        label: 'Number of deploys',
        optional: true,
        initial: String(uses ?? 1),
        max: 4,
      }),
    ],
  });
