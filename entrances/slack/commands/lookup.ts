import type { Button } from '../../../schemas/slack/button.ts';
import { FEATURE_VERBS } from '../../../features/verbs.ts';
import { VERBS } from './index.ts';
import { type AnyVerb, type CommandName, COMMANDS, type Dialog, type TypedVerb } from './verb.ts';

/** A requested action: its verb, and the arguments of that verb. */
export type ActionRequest = { act: string };

export type TypedAction = TypedVerb & { act: string };

const OWN: [string, AnyVerb][] = Object.entries(VERBS);

/** In the help, those of features are before those of automation. */
const ALL = OWN.toSpliced(Object.keys(VERBS).indexOf('pause'), 0, ...Object.entries(FEATURE_VERBS)).map(
  ([act, verb]) => ({ ...verb, act }),
);

const BY_NAME = new Map<string, AnyVerb>(ALL.map((verb) => [verb.act, verb]));

/** The verbs that people can type, by command. */
export const TYPED = Object.fromEntries(
  COMMANDS.map((command) => [command, ALL.filter((verb): verb is TypedAction => verb.command === command)]),
) as Record<CommandName, TypedAction[]>;

/** @throws Error if no verb has the name, such as one of a feature that was removed */
export function verbOf({ act }: ActionRequest): AnyVerb {
  const verb = BY_NAME.get(act);
  if (verb === undefined) throw new Error(`no verb has the name ${act}`);
  return verb;
}

/** Returns the dialog with a `callback_id`, and its verb. Undefined: not a dialog of Firebreak. */
export function dialogWith(callback: string): { act: string; dialog: Dialog<object, object> } | undefined {
  const { act, dialog } = ALL.find((verb) => verb.dialog?.id === callback) ?? {};
  return act === undefined || dialog === undefined ? undefined : { act, dialog };
}

/** Returns what a button requests: an action, or the dialog of a verb. */
export function requestOfButton(button: Button): { request: ActionRequest } | { dialogOf: AnyVerb } {
  for (const verb of ALL) {
    const request = verb.buttons?.[button.verb] as 'dialog' | ((button: Button) => object) | undefined;
    if (request !== undefined)
      return request === 'dialog' ? { dialogOf: verb } : { request: { act: verb.act, ...request(button) } };
  }
  throw new Error(`no verb has the button ${button.verb}`);
}
