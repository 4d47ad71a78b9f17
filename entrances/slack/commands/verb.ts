import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { Button } from '../../../schemas/slack/button.ts';
import type { SlashCommand } from '../../../schemas/slack/command.ts';
import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import type { ReplyTo } from '../../../core/domain/ports/chat.ts';
import type { NamedIncident } from '../../../core/domain/slack/commands/reference.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import type { CommandDeps } from '../deps.ts';
import type { Outcome } from '../outcome.ts';
import type { Block } from '../modals/blocks.ts';
import type { ModalContext, Fields } from '../modals/form.ts';
import type { RequestContext } from '../request-context.ts';

export const COMMANDS = ['incident', 'rollback', 'freeze', 'deploys', 'firebreak'] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Returns the environments of a service, which distinguish `production` from a version. Undefined: unknown service. */
export type EnvironmentsOf = (service: string) => readonly string[] | undefined;

/** Arguments after the subcommand. */
export type CommandArguments = {
  words: readonly string[];
  named: ReadonlyMap<string, string>;
  /** Name of the `name=value` argument at the start. Null: the arguments start with a word. */
  firstNamed: string | null;
  /** Returns the plain text from one word up to, but not including, another; null: nothing. */
  textFrom(index: number, before?: number): string | null;
  environmentsOf: EnvironmentsOf;
};

/** `suggestion`: valid arguments to suggest. Null: none known; absent: as in the usage. */
export type UsageError = { error: string; suggestion?: string | null };

/** Arguments of a verb that has none. */
export type Nothing = Record<string, never>;

export const noArguments = ({ words }: CommandArguments): Nothing | UsageError =>
  words.length === 0 ? {} : { error: 'this command takes no arguments', suggestion: '' };

/** Name of the verb of a command without subcommands. */
export const NO_SUBCOMMAND = '';

/** How people type a verb. `D`: its arguments; those that are null were omitted. */
type TypedForm<D> = {
  command: CommandName;
  /** Subcommand. */
  name: string;
  /** Aliases. */
  aliases?: readonly string[];
  /** Shown in the help, in usage errors, and in docs/reference/slack-commands.md. */
  usage: string;
  /** Effect, for the help. */
  description: string;
  /** Arguments that can be given as `name=value`. */
  named?: readonly string[];
  /** Whether its words can be versions, possibly with their revision: `6.4 (3f2a91c)`. Absent: no. */
  versions?: true;
  parse(input: CommandArguments): D | UsageError;
  /** Answers while Slack waits. Null: the queue consumer answers, which has more time. */
  answerNow?(context: RequestContext, command: SlashCommand, named: NamedIncident | null): Promise<ChatMessage | null>;
  /** Answers the command without arguments. Null: with the usage error. */
  withoutArguments?(context: RequestContext, command: SlashCommand): Promise<ChatMessage | null>;
};

/** A dialog that asks for arguments. */
export type Dialog<D, R> = {
  /** Slack's `callback_id`. */
  id: string;
  title: string;
  /** Label of the button that submits it. */
  submit: string;
  /** A field that the dialog always has. Slack shows errors that concern no single field there. */
  field: string;
  /** Returns whether the dialog asks for what a command omits. */
  isNeededFor(draft: D): boolean;
  /** @param draft arguments of the command. Null: a button or a shortcut opens the dialog */
  blocks(opened: {
    draft: D | null;
    modalContext: ModalContext;
    /** Fields with which people choose the incident. Empty: it is known, or the verb has none. */
    incidentFields: Block[];
    /** Data that can be read while Slack waits for the dialog. */
    waiting: RequestContext;
  }): Block[] | Promise<Block[]>;
  /** Context that the submission returns in addition. */
  context?(draft: D | null): Partial<ModalContext>;
  /** Reads a submission. Undefined: it requires no action. */
  read(fields: Fields, modalContext: ModalContext): R | undefined;
  /** Returns errors by field that only current data shows. Null: none. */
  errors?(context: RequestContext, request: R): Promise<Record<string, string> | null>;
  /** Whether it also applies to a resolved incident. */
  afterResolve?: true;
};

/** Buttons that request the verb, or that open its dialog. */
type Buttons<R> = {
  [V in Button['verb']]?: 'dialog' | ((button: Extract<Button, { verb: V }>) => R);
};

/** What people can request in Slack, by a command, a button, a dialog, or an event. */
type VerbBase<D, R> = {
  /** Required permission. It is checked before a dialog opens, and by the action itself. */
  permission: Action;
  dialog?: Dialog<D, R>;
  buttons?: Buttons<R>;
  /** Returns the text that the person wrote, which is stored nowhere else and is part of a refusal. Null: none. */
  freeText?(request: R): string | null;
  /** Whether to execute it even if it is processed more than 15 minutes later. */
  neverLate?: true;
  /** Whether the verb is no request of the person, such as joining a channel, so that it gets no refusal. */
  silent?: true;
  /** Returns whether a command has all arguments. Otherwise, only the dialog can request the verb. */
  isComplete?(draft: D): boolean;
} & (TypedForm<D> | { command?: never }) &
  ([D] extends [R] ? unknown : { isComplete(draft: D): draft is D & R });

/** A verb. `D`: arguments as typed; `R`: arguments that it needs. */
export type Verb<D extends object, R extends object = D> = VerbBase<D, R> & { ofIncident?: never };

/** A verb for one incident: the one of the channel, or the one that the first or the last argument names. */
export type IncidentVerb<D extends object, R extends object = D> = VerbBase<D, R> & {
  ofIncident: true;
  /** Whether it only reads, and applies to the only open incident if none is named. */
  reads?: true;
  /** Adds a first word to the text that looked like the name of an incident, but is none. */
  startingWith?(request: R, word: string): R;
};

/** A verb whose dialog a shortcut opens. */
export type WithDialog<V extends { dialog?: unknown }> = V & { dialog: NonNullable<V['dialog']> };

/** Any verb, for code that serves all of them. */
export type AnyVerb = Verb<object> | IncidentVerb<object>;
export type TypedVerb = Extract<AnyVerb, { command: CommandName }>;

/** The caller, the idempotency key of the action, and the trace ID. */
export type ActionContext = { caller: Caller; key: string; trace: string };

/** Reference to the incident: its ID, its given name, or the channel of the request. */
export type RequestedIncident = {
  incident: IncidentId | null;
  named: NamedIncident | null;
  channel: { id: string; name: string | null } | null;
};

/** Where a request comes from. `replyTo`: recipient of the answer. */
export type CommandOrigin = { replyTo: ReplyTo; where: RequestedIncident };

/** Executes a verb. @throws Declined, Refusal if it is not executed */
export type RunVerb<R> = (
  deps: CommandDeps,
  actionContext: ActionContext,
  request: R,
  origin: CommandOrigin,
) => Promise<Outcome>;
export type RunIncidentVerb<R> = (
  deps: CommandDeps,
  actionContext: ActionContext,
  id: IncidentId,
  request: R,
) => Promise<Outcome>;
