import { randomBytes } from 'node:crypto';
import { chars, isObject, structured, text } from '../delivery/arguments.ts';
import { blockProblems, charsOfTexts } from './blocks.ts';
import { ATTACHMENTS_MAX, BLOCKS_TEXT_MAX_CHARS } from '../delivery/limits.ts';
import type { Content } from '../messages.ts';
import { complaints, Refused, type Fields } from '../delivery/refusal.ts';

/** The content of a message in a call. Absent parts stay unchanged in an update. */
export type Given = Partial<Content>;

/**
 * @param maxChars maximum characters of `text`
 * @see https://docs.slack.dev/reference/methods/chat.postMessage (read 2026-11), "Errors"
 * @throws Refused with the first limit that is exceeded
 */
export function givenContent(args: Fields, maxChars: number): Given {
  const said = text(args, 'text');
  const blocks = array(args, 'blocks', 'invalid_blocks_format');
  const attachments = array(args, 'attachments', 'invalid_attachments');
  const metadata = metadataOf(args);
  if (said !== undefined && chars(said) > maxChars) throw new Refused('msg_too_long');
  if (blocks) refuseBad('invalid_blocks', blockProblems(blocks, '/blocks'));
  if (attachments) checkAttachments(attachments);
  if (charsOfTexts([blocks, blocksOf(attachments)]) > BLOCKS_TEXT_MAX_CHARS) throw new Refused('msg_blocks_too_long');

  return {
    ...(said !== undefined && { text: said }),
    ...(blocks && { blocks: blocks.filter(isObject).map(identified) }),
    ...(attachments && { attachments: attachments.map(numbered) }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** @throws Refused `no_text` if the message has no content */
export function mustShow({ text: said, blocks = [], attachments = [] }: Given): void {
  if (!said && blocks.length === 0 && attachments.length === 0) throw new Refused('no_text');
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
  refuseBad('invalid_attachments', problems);
}

function refuseBad(code: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Refused(code, complaints(problems));
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
export function identified(block: Fields): Fields {
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

const numbered = (attachment: unknown, index: number): unknown => {
  if (!isObject(attachment)) return attachment;
  const { blocks } = attachment;
  const numberedOne = { id: index + 1, fallback: '[no preview available]', ...attachment };
  return Array.isArray(blocks) ? { ...numberedOne, blocks: blocks.filter(isObject).map(identified) } : numberedOne;
};
