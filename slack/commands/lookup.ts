import type { Button } from '../../schemas/slack/button.ts';
import { type ActionName, VERBS } from './index.ts';
import { type AnyVerb, type CommandName, COMMANDS, type Dialog, type TypedVerb } from './verb.ts';

/** A requested action: its verb, and the arguments of that verb. */
export type ActionRequest = { act: ActionName };

export type TypedAction = TypedVerb & { act: ActionName };

const ALL = (Object.entries(VERBS) as [ActionName, AnyVerb][]).map(([act, verb]) => ({ ...verb, act }));

/** The verbs that people can type, by command. */
export const TYPED = Object.fromEntries(
  COMMANDS.map((command) => [command, ALL.filter((verb): verb is TypedAction => verb.command === command)]),
) as Record<CommandName, TypedAction[]>;

export const verbOf = ({ act }: ActionRequest): AnyVerb => VERBS[act];

/** Returns the dialog with a `callback_id`, and its verb. Undefined: not a dialog of Firebreak. */
export function dialogWith(callback: string): { act: ActionName; dialog: Dialog<object, object> } | undefined {
  const { act, dialog } = ALL.find((verb) => verb.dialog?.id === callback) ?? {};
  return act && dialog && { act, dialog };
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
