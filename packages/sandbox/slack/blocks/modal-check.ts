import { isObject, structured } from '../delivery/arguments.ts';
import { blockProblems } from './blocks.ts';
import { optionalText, PLAIN_ONLY, optionalPlainText, withPointer, textObject } from './checks.ts';
import { withIds } from './content.ts';
import * as limits from '../delivery/limits.ts';
import { errorDetails, Refused, type Fields } from '../delivery/refusal.ts';

/** A modal as described by the app, with default values. */
export type View = {
  type: 'modal';
  title: unknown;
  /** `null` if there is no such button. */
  submit: unknown;
  close: unknown;
  blocks: Fields[];
  private_metadata: string;
  callback_id: string;
  external_id: string;
  clear_on_close: boolean;
  notify_on_close: boolean;
};

/**
 * Returns the modal in a call or response.
 *
 * @see https://docs.slack.dev/reference/views/modal-views (read 2026-11)
 * @throws Refused `view_too_large`, or `invalid_arguments` with all errors
 */
export function givenView(args: Fields): View {
  const view = structured(args, 'view', 'invalid_arguments');
  if (!isObject(view)) refuse([withPointer('must provide an object', '/view')]);
  if (Buffer.byteLength(JSON.stringify(view)) > limits.VIEW_MAX_BYTES) throw new Refused('view_too_large');
  const problems = viewProblems(view);
  if (problems.length > 0) refuse(problems);
  const blocks = Array.isArray(view['blocks']) ? view['blocks'].filter(isObject).map(withIds) : [];
  return {
    type: 'modal',
    title: view['title'],
    submit: view['submit'] ?? null,
    close: view['close'] ?? null,
    blocks,
    private_metadata: textIn(view, 'private_metadata'),
    callback_id: textIn(view, 'callback_id'),
    external_id: textIn(view, 'external_id'),
    clear_on_close: view['clear_on_close'] === true,
    notify_on_close: view['notify_on_close'] === true,
  };
}

function refuse(problems: readonly string[]): never {
  throw new Refused('invalid_arguments', errorDetails(problems));
}

const textIn = (view: Fields, name: string): string => {
  const value = view[name];
  return typeof value === 'string' ? value : '';
};

function viewProblems(view: Fields): string[] {
  const { type, title, submit, close, blocks } = view;
  if (type !== 'modal') return [withPointer('must be a valid enum value', '/view/type')];
  const hasInput = Array.isArray(blocks) && blocks.some((block) => isObject(block) && block['type'] === 'input');
  return [
    ...textObject(title, '/view/title', limits.VIEW_TITLE_MAX_CHARS, PLAIN_ONLY),
    ...optionalPlainText(submit, '/view/submit', limits.VIEW_TITLE_MAX_CHARS),
    ...optionalPlainText(close, '/view/close', limits.VIEW_TITLE_MAX_CHARS),
    ...(hasInput && submit === undefined
      ? [withPointer('must define `submit` to use an `input` block in modals', '/view')]
      : []),
    ...optionalText(view['private_metadata'], limits.PRIVATE_METADATA_MAX_CHARS, '/view/private_metadata'),
    ...optionalText(view['callback_id'], limits.CALLBACK_ID_MAX_CHARS, '/view/callback_id'),
    ...optionalText(view['external_id'], limits.EXTERNAL_ID_MAX_CHARS, '/view/external_id'),
    ...(Array.isArray(blocks)
      ? blockProblems(blocks, '/view/blocks', 'modal')
      : [withPointer('must provide an array', '/view/blocks')]),
  ];
}
