import { required, text } from '../delivery/arguments.ts';
import { BOT, TEAM } from '../directory.ts';
import { TIER_4, VIEWS_MAX } from '../delivery/limits.ts';
import { method, type Call, type Methods } from '../delivery/method.ts';
import { givenView, type View } from './modal-check.ts';
import { modalId, modalSeq, type Modal, type Modals } from './modals.ts';
import { errorDetails, Refused, type Fields } from '../delivery/refusal.ts';
import { stateOf } from '../state.ts';
import type { Workspace } from '../workspace.ts';

/**
 * Methods for modals. An app opens a modal in exchange for a recent action of a person.
 *
 * @see https://docs.slack.dev/reference/methods (read 2026-11): views.open, views.push, views.update
 */
export const viewMethods: Methods = {
  'views.open': method(TIER_4, open),
  'views.push': method(TIER_4, push),
  'views.update': method(TIER_4, update),
};

function open(call: Call): Fields {
  const { at, workspace } = call;
  const { modals, triggers } = workspace;
  const trigger = triggerOf(call);
  const view = givenView(call.args);
  requireUnusedExternalId(modals, view);
  triggers.use(trigger.id);
  return { view: viewObject(modals.open(trigger.user, view, at)) };
}

/** Pushes a view onto the modal in which the trigger was created. */
function push(call: Call): Fields {
  const { at, workspace } = call;
  const { modals, triggers } = workspace;
  const trigger = triggerOf(call);
  const below = trigger.view === null ? undefined : modals.bySeq(trigger.view);
  if (!below) throw new Refused('not_found');
  const view = givenView(call.args);
  requireUnusedExternalId(modals, view);
  const modal = pushView(workspace, below, view, at);
  triggers.use(trigger.id);
  return { view: viewObject(modal) };
}

/** @throws Refused `push_limit_reached` */
export function pushView({ modals }: Workspace, below: Modal, view: View, at: number): Modal {
  if (modals.stack(below.root).length >= VIEWS_MAX) throw new Refused('push_limit_reached');
  return modals.push(below, view, at);
}

/** Updates a view. Keeps entered values of elements whose IDs are also in the new view. */
function update({ args, at, workspace }: Call): Fields {
  const { modals } = workspace;
  const [id, externalId] = [text(args, 'view_id'), text(args, 'external_id')];
  if (!id && !externalId) {
    throw new Refused('invalid_arguments', errorDetails(['either `view_id` or `external_id` is required']));
  }
  const view = givenView(args);
  const modal = id ? modals.bySeq(modalSeq(id) ?? 0) : modals.byExternalId(externalId ?? '');
  if (!modal) throw new Refused('not_found');
  const hash = text(args, 'hash');
  if (hash && hash !== modal.hash) throw new Refused('hash_conflict');
  requireUnusedExternalId(modals, view, modal);
  return { view: viewObject(modals.update(modal, view, at)) };
}

function triggerOf({ args, at, workspace }: Call): { id: string; user: string; view: number | null } {
  const id = required(args, 'trigger_id');
  return { id, ...workspace.triggers.find(id, at) };
}

/** @throws Refused `duplicate_external_id` if another modal has the external ID */
function requireUnusedExternalId(modals: Modals, { external_id: id }: View, except?: Modal): void {
  const other = id === '' ? undefined : modals.byExternalId(id);
  if (other && other.seq !== except?.seq) throw new Refused('duplicate_external_id');
}

/**
 * Returns a modal in the format of the API.
 *
 * @see https://docs.slack.dev/reference/methods/views.open (read 2026-11), "Response"
 */
export function viewObject(modal: Modal): Fields {
  const { view, given, hash, root, previous } = modal;
  return {
    id: modalId(modal),
    team_id: TEAM.id,
    type: view.type,
    blocks: view.blocks,
    private_metadata: view.private_metadata,
    callback_id: view.callback_id,
    state: { values: stateOf(view.blocks, given) },
    hash,
    title: view.title,
    clear_on_close: view.clear_on_close,
    notify_on_close: view.notify_on_close,
    close: view.close,
    submit: view.submit,
    previous_view_id: previous === null ? null : modalId({ seq: previous }),
    root_view_id: modalId({ seq: root }),
    app_id: BOT.app_id,
    external_id: view.external_id,
    app_installed_team_id: TEAM.id,
    bot_id: BOT.bot_id,
  };
}
