import { nearest } from '../../../schemas/parsing/similar-names.ts';
import { namedEnvironment } from '../../../entrances/slack/commands/deploys.ts';
import type { AnyVerb, CommandArguments, UsageError, Verb } from '../../../entrances/slack/commands/verb.ts';
import { CanaryCommandKind, type CanaryId } from '../canary.ts';

export type Listed = { service: string | null };

/** Lists canaries. */
const canaries: Verb<Listed> = {
  permission: 'canaries:read',
  command: 'firebreak',
  name: 'canaries',
  usage: 'canaries [SERVICE]',
  description: 'show the canaries in progress, or the newest ones of a service',
  parse: ({ words: [service, ...more] }) =>
    more.length > 0 ? { error: 'too many arguments: expected a service' } : { service: service ?? null },
};

/**
 * A request as typed. Whether the first word after the service is an environment is decided with the catalogue, not
 * while Slack waits: otherwise, a request for one environment could apply to another one.
 */
export type Requested = {
  kind: CanaryCommandKind;
  service: string;
  environment: string | null;
  reason: string | null;
  /** The text after the service: its first word, all of it, and all but the first word. */
  rest: { first: string; all: string; others: string | null } | null;
};

/** Promotes, holds, or aborts the canary in progress of a service. */
const canaryCommand: Verb<Requested> = {
  permission: 'canaries:write',
  command: 'firebreak',
  name: 'canary',
  usage: 'canary promote|hold|abort SERVICE [ENVIRONMENT] [REASON]',
  description: 'give a canary its next share of the traffic, keep its share, or give all traffic back',
  named: ['env', 'environment', 'reason'],
  parse: parseRequest,
  freeText: ({ reason, rest }) => reason ?? rest?.all ?? null,
};

function parseRequest(input: CommandArguments): Requested | UsageError {
  const [word, service, third] = input.words;
  const kind = CanaryCommandKind.safeParse(word?.toLowerCase());
  if (!kind.success) {
    const near = word === undefined ? null : nearest(word.toLowerCase(), CanaryCommandKind.options);
    const error = word === undefined ? 'the action is missing' : `unknown action "${word}"`;
    return {
      error: `${error}: use promote, hold, or abort`,
      suggestion: near && `${near} ${input.textFrom(1) ?? 'SERVICE'}`,
    };
  }
  if (service === undefined) return { error: 'the service is missing', suggestion: `${kind.data} SERVICE` };
  const all = input.textFrom(2);
  return {
    kind: kind.data,
    service,
    environment: namedEnvironment(input) ?? null,
    reason: input.named.get('reason') || null,
    rest: third === undefined || all === null ? null : { first: third, all, others: input.textFrom(3) },
  };
}

export type Pressed = { kind: CanaryCommandKind; canary: CanaryId; sequence: number };

/** The buttons of the list of canaries. */
const canaryButtons: Verb<Pressed> = {
  permission: 'canaries:write',
  buttons: {
    promote_canary: ({ canary: id, sequence }) => ({ kind: 'promote', canary: id, sequence }),
    hold_canary: ({ canary: id, sequence }) => ({ kind: 'hold', canary: id, sequence }),
    abort_canary: ({ canary: id, sequence }) => ({ kind: 'abort', canary: id, sequence }),
  },
};

export const verbs: Readonly<Record<string, AnyVerb>> = {
  canaries,
  canary: canaryCommand,
  canary_button: canaryButtons,
};
