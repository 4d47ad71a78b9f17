import * as z from 'zod';
import { severityNamed } from '../../../schemas/alerts/severities.ts';
import { IncidentId, type Severity } from '../../../schemas/config/names.ts';
import type { View } from '../../../schemas/slack/view.ts';
import { parseDuration } from '../../../core/domain/slack/commands/duration.ts';
import { incidentNamed, type NamedIncident } from '../../../core/domain/slack/commands/reference.ts';
import { visibleText } from '../../../schemas/parsing/free-text.ts';

/** Fields of modals by `block_id`, at which Slack also shows errors. */
export const FIELDS = {
  service: 'service',
  environment: 'environment',
  severity: 'severity',
  title: 'summary',
  text: 'text',
  user: 'user',
  target: 'target',
  duration: 'duration',
  reason: 'reason',
  freeze: 'freeze',
  uses: 'uses',
  /** The incident, if it is ambiguous. */
  incident: 'incident',
} as const;

/** Maximum length of incident titles, in UTF-16 code units. */
export const TITLE_MAX_CHARS = 500;

/** Maximum number of uses of an override, as in `POST /v1/freezes/{id}/overrides`. */
export const USES_MAX = 1000;

/** Context of a modal, which Slack returns with the submission. */
export const ModalContext = z.object({
  incident: IncidentId.nullable().catch(null).default(null),
  /** Channel in which it was opened. */
  channel: z.string().max(32).nullable().catch(null).default(null),
  /** Message from which it was opened; for an incident, it is added to the timeline. */
  message: z
    .object({
      ts: z.string().max(32),
      text: z.string().max(1000),
      author: z.string().max(32).nullable().catch(null).default(null),
    })
    .nullable()
    .catch(null)
    .default(null),
  /** Response URL for the person who opened it. Null if Slack provided none. */
  response_url: z.string().max(1000).nullable().catch(null).default(null),
  /** Version that an override is for. */
  version: z.string().max(256).nullable().catch(null).default(null),
});
export type ModalContext = z.infer<typeof ModalContext>;

export const EMPTY_CONTEXT: ModalContext = ModalContext.parse({});

/** Returns the context in the metadata of a modal. Invalid metadata is an empty context. */
export function contextOf(metadata: string): ModalContext {
  try {
    return ModalContext.parse(JSON.parse(metadata));
  } catch {
    return EMPTY_CONTEXT;
  }
}

/** Reads the fields of a modal and collects errors. */
export class Fields {
  readonly errors: Record<string, string> = {};
  readonly #values: View['state']['values'];

  constructor({ state }: View) {
    this.#values = state.values;
  }

  /** Returns a field's text; a field has one element, whatever its ID. Null: empty. */
  text(field: string): string | null {
    const block = Object.hasOwn(this.#values, field) ? this.#values[field] : undefined;
    const [value] = Object.values(block ?? {});
    const text = value?.value ?? value?.selected_option?.value ?? value?.selected_user ?? '';
    return visibleText(text.toWellFormed()) || null;
  }

  /**
   * Returns a required text; an empty string if it is missing, which reports an error, so that the result is not used.
   */
  needed(field: string, otherwise: string): string {
    return this.text(field) ?? this.#reportError(field, otherwise, '');
  }

  /** Reports that a required number is missing. Returns a placeholder, because the result is not used. */
  missing(field: string, why: string): number {
    return this.#reportError(field, why, 0);
  }

  title(): string {
    const title = this.needed(FIELDS.title, 'Enter what is wrong').replaceAll(/\s+/g, ' ');
    if (title.length <= TITLE_MAX_CHARS) return title;
    return this.#reportError(
      FIELDS.title,
      `Enter at most ${TITLE_MAX_CHARS} characters; this text has ${title.length}`,
      title,
    );
  }

  severity(): Severity {
    return (
      severityNamed(this.text(FIELDS.severity) ?? '') ??
      this.#reportError(FIELDS.severity, 'Select critical, warning, or info', 'critical')
    );
  }

  /** Returns seconds; null: empty. */
  duration(): number | null {
    const text = this.text(FIELDS.duration);
    if (text === null) return null;
    const read = parseDuration(text);
    return 'seconds' in read ? read.seconds : this.#reportError(FIELDS.duration, upperFirst(read.problem), 0);
  }

  /** Returns the targets; empty: the entire environment. */
  targets(): string[] {
    const text = this.text(FIELDS.target);
    if (text !== null) return text.split(',').flatMap((part) => part.trim() || []);
    if (this.text(FIELDS.environment) !== null) return [];
    return this.#reportError(FIELDS.target, 'Enter a service, a team, or an environment', []);
  }

  /** Returns the incident; null: not asked, or unambiguous. */
  incident(): NamedIncident | null {
    const text = this.text(FIELDS.incident);
    if (text === null) return null;
    const word = text.replaceAll(/\s/g, ' ');
    const named = incidentNamed(word) ?? (word.includes(' ') ? undefined : incidentNamed(`#${word}`));
    return (
      named ??
      this.#reportError(FIELDS.incident, 'Enter the number of the incident, such as INC-42, or its channel', null)
    );
  }

  uses(): number | null {
    const text = this.text(FIELDS.uses);
    if (text === null) return null;
    const uses = Number(text);
    if (Number.isInteger(uses) && uses >= 1 && uses <= USES_MAX) return uses;
    return this.#reportError(FIELDS.uses, `Enter a whole number from 1 to ${USES_MAX}`, 1);
  }

  #reportError<T>(field: string, why: string, placeholder: T): T {
    this.errors[field] ??= why;
    return placeholder;
  }
}

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
