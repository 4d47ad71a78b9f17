import { randomBytes } from 'node:crypto';
import { chars, isObject, structured, text } from '../delivery/arguments.ts';
import { blockProblems, charsOfTexts } from './blocks.ts';
import { ATTACHMENTS_MAX, BLOCKS_TEXT_MAX_CHARS } from '../delivery/limits.ts';
import type { Content } from '../messages.ts';
import { errorDetails, Refused, type Fields } from '../delivery/refusal.ts';

/** The content of a message in a call. Absent parts stay unchanged in an update. */
export type GivenContent = Partial<Content>;

/**
 * @param maxChars maximum characters of `text`
 * @see https://docs.slack.dev/reference/methods/chat.postMessage (read 2026-11), "Errors"
 * @throws Refused with the first limit that is exceeded
 */
export function givenContent(args: Fields, maxChars: number): GivenContent {
  const messageText = text(args, 'text');
  const blocks = array(args, 'blocks', 'invalid_blocks_format');
  const attachments = array(args, 'attachments', 'invalid_attachments');
  const metadata = metadataOf(args);
  if (messageText !== undefined && chars(messageText) > maxChars) throw new Refused('msg_too_long');
  if (blocks) refuseProblems('invalid_blocks', blockProblems(blocks, '/blocks'));
  if (attachments) checkAttachments(attachments);
  if (charsOfTexts([blocks, blocksOf(attachments)]) > BLOCKS_TEXT_MAX_CHARS) throw new Refused('msg_blocks_too_long');

  return {
    ...(messageText !== undefined && { text: messageText }),
    ...(blocks && { blocks: blocks.filter(isObject).map(withIds) }),
    ...(attachments && { attachments: attachments.map(withNumber) }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** @throws Refused `no_text` if the message has no content */
export function requireContent({ text: messageText, blocks = [], attachments = [] }: GivenContent): void {
  if (!messageText && blocks.length === 0 && attachments.length === 0) throw new Refused('no_text');
}

function array(args: Fields, name: string, code: string): unknown[] | undefined {
  const value = structured(args, name, code);
  if (value !== undefined && !Array.isArray(value)) throw new Refused(code);
  return value;
}

function checkAttachments(attachments: readonly unknown[]): void {
  if (attachments.length > ATTACHMENTS_MAX) throw new Refused('too_many_attachments');
  const problems = attachments.flatMap((attachment, i) => {
    if (!isObject(attachment)) return [`must be an object [json-pointer:/attachments/${i}]`];
    const blocks = attachment['blocks'] ?? [];
    if (!Array.isArray(blocks)) return [`must provide an array [json-pointer:/attachments/${i}/blocks]`];
    return blockProblems(blocks, `/attachments/${i}/blocks`);
  });
  refuseProblems('invalid_attachments', problems);
}

function refuseProblems(code: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Refused(code, errorDetails(problems));
}

const blocksOf = (attachments: readonly unknown[] = []): unknown[] =>
  attachments.map((attachment) => (isObject(attachment) ? attachment['blocks'] : undefined));

/**
 * Returns the metadata. `null` counts as an empty object, which removes a message's metadata.
 *
 * @see https://docs.slack.dev/reference/methods/chat.update (read 2026-11), `metadata`
 */
function metadataOf(args: Fields): unknown {
  const metadata = structured(args, 'metadata', 'invalid_metadata_format');
  if (metadata === undefined) return undefined;
  if (!isObject(metadata)) throw new Refused('invalid_metadata_format');
  const complete = typeof metadata['event_type'] === 'string' && isObject(metadata['event_payload']);
  if (!complete && Object.keys(metadata).length > 0) throw new Refused('invalid_metadata_format');
  return complete ? metadata : null;
}

/** Adds IDs to a block without an ID and to its interactive elements. */
export function withIds(block: Fields): Fields {
  const { element, accessory, elements } = block;
  const isInteractive = block['type'] === 'actions' || block['type'] === 'section' || block['type'] === 'input';
  return {
    block_id: randomBytes(3).toString('base64url'),
    ...block,
    ...(isInteractive && {
      ...(isObject(element) && { element: withAction(element) }),
      ...(isObject(accessory) && { accessory: withAction(accessory) }),
      ...(Array.isArray(elements) && {
        elements: elements.map((item: unknown) => (isObject(item) ? withAction(item) : item)),
      }),
    }),
  };
}

const withAction = (item: Fields): Fields =>
  item['type'] === 'image' ? item : { action_id: randomBytes(3).toString('base64url'), ...item };

const withNumber = (attachment: unknown, index: number): unknown => {
  if (!isObject(attachment)) return attachment;
  const { blocks } = attachment;
  const numberedAttachment = { id: index + 1, fallback: '[no preview available]', ...attachment };
  return Array.isArray(blocks)
    ? { ...numberedAttachment, blocks: blocks.filter(isObject).map(withIds) }
    : numberedAttachment;
};
