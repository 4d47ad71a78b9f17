import * as z from 'zod';
import { problem } from '../../core/problem.ts';
import { showSlackbotMessage } from './command.ts';
import { idOf, type Channel } from '../channels.ts';
import { listProblems } from '../blocks/checks.ts';
import type { ProductResponse } from '../delivery/deliveries.ts';
import { optionProblems, optionsOf } from '../blocks/elements.ts';
import { requireChannel, requireModal, messageNotFound, Ts, WorkspaceUser } from '../lookups.ts';
import { OPTIONS_MAX } from '../delivery/limits.ts';
import { modalId, type Modal } from '../blocks/modals.ts';
import { messageObject } from '../blocks/objects.ts';
import { channelOf, interactionRequest } from '../delivery/payloads.ts';
import { Refused, type Fields } from '../delivery/refusal.ts';
import { answerOf } from '../delivery/responses.ts';
import { elementsOf, stateEntry, stateOf, type Element, type InputValue, type Values } from '../state.ts';
import type { ProductRequest } from '../delivery/product-requests.ts';
import { tsText } from '../ts.ts';
import { viewObject } from '../blocks/views.ts';
import type { Workspace } from '../workspace.ts';

const GivenIn = z.union([
  z.string(),
  z.array(z.string()),
  z.null(),
  z.strictObject({ value: z.string(), text: z.string() }),
]);

/** Entered and selected values by `block_id` and `action_id`. */
export const ValuesIn = z.record(z.string(), z.record(z.string(), GivenIn));

/** An element in a message or a modal. */
const ElementReference = {
  user: WorkspaceUser,
  channel: z.string().optional(),
  ts: Ts.optional(),
  view: z.string().optional(),
  action_id: z.string(),
  /** Required if several elements have the same `action_id`. */
  block_id: z.string().optional(),
};

export const Press = z.strictObject({
  ...ElementReference,
  /** For a button: distinguishes buttons with the same IDs. For a menu: the selection. */
  value: GivenIn.optional(),
  /** Other values that were entered or selected in the same surface. */
  values: ValuesIn.default({}),
});

export const Query = z.strictObject({ ...ElementReference, query: z.string().default('') });

type ActionContext = { workspace: Workspace; base: string; at: number };

/** The message or modal that contains the element, and the fields of a payload about it. */
type Surface = { blocks: readonly unknown[]; channel?: Channel; ts?: number; ephemeral: boolean; modal?: Modal };

/** Presses a button, or selects from a menu. */
export function press(input: z.infer<typeof Press>, { workspace, base, at }: ActionContext): ProductRequest {
  const { user: person, value, values } = input;
  const surface = surfaceOf(workspace, input);
  const element = elementIn(surface, input, value);
  const given = withChoice(values, element, value);
  const { channel, ts, modal, ephemeral } = surface;
  const triggerId = workspace.triggers.create({ user: person.id, view: modal?.seq ?? null }, at);
  const actions = [actionOf(element, value, at)];

  if (modal) {
    const saved = workspace.modals.saveState(modal, { given: mergeValues(modal.given, given), problem: '' });
    const container = { type: 'view', view_id: modalId(modal) };
    const fields = { container, trigger_id: triggerId, view: viewObject(saved), actions };
    return {
      outgoing: interactionRequest('block_actions', person, fields),
      handleResponse: showProblemIn(workspace, modal),
    };
  }
  if (!channel || ts === undefined) throw problem(422, 'set either `view`, or `channel` and `ts`');
  const target = { user: person.id, channel: channel.seq, ts, ephemeral: ephemeral ? 1 : 0 };
  const fields = {
    ...messageFields(workspace, surface, channel, ts),
    trigger_id: triggerId,
    state: { values: stateOf(surface.blocks, given) },
    response_url: base + workspace.responseUrls.create('actions', target, at),
    actions,
  };
  return {
    outgoing: interactionRequest('block_actions', person, fields),
    // Slack shows a warning triangle beside the button.
    handleResponse: (answer) => {
      if (isAccepted(answer)) return;
      const reason = answer.error ?? `the app responded with status ${answer.status}`;
      showSlackbotMessage(workspace, channel, person, `Action failed: ${reason}`, at);
    },
  };
}

/**
 * Types a query into a menu with options from the app.
 *
 * @param found called with the options
 */
export function suggest(
  input: z.infer<typeof Query>,
  { workspace }: ActionContext,
  found: (options: Fields[]) => void,
): ProductRequest {
  const surface = surfaceOf(workspace, input);
  const { block, action } = elementIn(surface, input, undefined);
  const { channel, ts, modal } = surface;
  const where = modal
    ? { container: { type: 'view', view_id: modalId(modal) }, view: viewObject(modal) }
    : channel && ts !== undefined
      ? messageFields(workspace, surface, channel, ts)
      : {};
  const fields = { ...where, action_id: action, block_id: block, value: input.query };
  return {
    outgoing: interactionRequest('block_suggestion', input.user, fields),
    handleResponse: (answer) => found(isAccepted(answer) ? optionsIn(answer.body) : []),
  };
}

/** Returns the options of a response; none if Slack does not accept the response. */
function optionsIn(body: string): Fields[] {
  try {
    const options = optionsOf(answerOf(body));
    const problems = options.length === 0 ? [] : listProblems(options, OPTIONS_MAX, '/options', optionProblems);
    return problems.length === 0 ? options : [];
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}

function surfaceOf(
  workspace: Workspace,
  input: Pick<z.infer<typeof Query>, 'user' | 'channel' | 'ts' | 'view'>,
): Surface {
  const { user: person, channel: name, ts, view } = input;
  if (view !== undefined) {
    const modal = requireModal(workspace, view, person);
    return { blocks: modal.view.blocks, modal, ephemeral: false };
  }
  if (name === undefined || ts === undefined) throw problem(422, 'set either `view`, or `channel` and `ts`');
  const channel = requireChannel(workspace, name);
  const message = workspace.messages.get(channel.seq, ts);
  if (message) return { blocks: message.content.blocks ?? [], channel, ts, ephemeral: false };
  const ephemeral = workspace.ephemerals.get(channel.seq, ts);
  if (ephemeral?.user !== person.id) throw messageNotFound(channel, tsText(ts));
  return { blocks: ephemeral.content.blocks ?? [], channel, ts, ephemeral: true };
}

/** Returns the fields about a message. For an ephemeral message, the app gets its location but not its content. */
function messageFields({ messages }: Workspace, { ephemeral }: Surface, channel: Channel, ts: number): Fields {
  const message = messages.get(channel.seq, ts);
  const thread = message?.thread_ts ?? null;
  return {
    container: {
      type: 'message',
      message_ts: tsText(ts),
      channel_id: idOf(channel),
      is_ephemeral: ephemeral,
      ...(thread !== null && { thread_ts: tsText(thread) }),
    },
    channel: channelOf(channel),
    ...(message && { message: messageObject(message) }),
  };
}

/** @throws HTTPException 422 if there is no such element, or more than one */
function elementIn(
  { blocks }: Surface,
  { action_id: action, block_id: block }: Pick<z.infer<typeof Query>, 'action_id' | 'block_id'>,
  value: InputValue | undefined,
): Element {
  const all = elementsOf(blocks);
  const named = all.filter((one) => one.action === action && (block === undefined || one.block === block));
  const hasRequestedValue = ({ item }: Element): boolean =>
    item['type'] !== 'button' || value === undefined || item['value'] === value;
  const [found, ...more] = named.filter(hasRequestedValue);
  if (found && more.length === 0) return found;
  const there = all.map((one) => `${one.action} in ${one.block}`).join(', ') || 'none';
  throw problem(422, `${found ? 'several' : 'no'} elements with action_id ${action.slice(0, 80)}; elements: ${there}`);
}

function actionOf({ block, action, item }: Element, value: InputValue | undefined, at: number): Fields {
  const common = { action_id: action, block_id: block, action_ts: tsText(Math.floor(at) * 1000) };
  if (item['type'] !== 'button') return { ...common, ...stateEntry(item, value ?? null) };
  const { type, text, value: own, style } = item;
  return { ...common, type, text, ...(own !== undefined && { value: own }), ...(style !== undefined && { style }) };
}

const withChoice = (values: Values, { block, action, item }: Element, value: InputValue | undefined): Values =>
  item['type'] === 'button' || value === undefined ? values : mergeValues(values, { [block]: { [action]: value } });

/** Merges values. Later values take precedence. */
export function mergeValues(before: Values, after: Values): Values {
  const all = { ...before };
  for (const [block, actions] of Object.entries(after)) all[block] = { ...all[block], ...actions };
  return all;
}

const isAccepted = ({ status }: ProductResponse): boolean => status !== null && status >= 200 && status < 300;

/** Slack's error in a modal if the app does not accept a request. */
export const CONNECTION_PROBLEM = 'We had some trouble connecting. Try again?';

const showProblemIn =
  ({ modals }: Workspace, { seq }: Modal) =>
  (answer: ProductResponse): void => {
    const current = modals.bySeq(seq);
    if (current && !isAccepted(answer)) modals.saveState(current, { problem: CONNECTION_PROBLEM });
  };
