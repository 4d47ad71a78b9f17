import type { ChatMessage, ChatPart, Span, Text } from '../messages/chat-message.ts';

/** Form of unlisted people on timelines: by Slack ID. */
const SLACK_ACTOR = /\bslack:([UW][A-Z0-9]{2,20})\b/g;

/** Replaces Slack IDs in a message by names. @param nameOf returns the name for a Slack ID, if known */
export async function withDisplayNames(
  message: ChatMessage,
  nameOf: (id: string) => Promise<string | undefined>,
): Promise<ChatMessage> {
  const names = new Map<string, string>();
  for (const id of idsIn(message)) {
    const name = await nameOf(id);
    if (name !== undefined) names.set(id, name);
  }
  return messageWithNames(message, names);
}

/** Replaces Slack IDs in a text by names. @param nameOf returns the name for a Slack ID, if known */
export async function textWithDisplayNames(
  text: string,
  nameOf: (id: string) => Promise<string | undefined>,
): Promise<string> {
  const ids = [...new Set([...text.matchAll(SLACK_ACTOR)].flatMap(([, id]) => id ?? []))];
  const names = new Map(await Promise.all(ids.map(async (id) => [id, await nameOf(id)] as const)));
  return text.replaceAll(SLACK_ACTOR, (whole, id: string) => names.get(id) ?? whole);
}

/** Returns the Slack IDs in a message. */
const idsIn = (message: ChatMessage): string[] => [
  ...new Set([...JSON.stringify(message).matchAll(SLACK_ACTOR)].flatMap(([, id]) => id ?? [])),
];

/** @param names names by ID; unknown IDs are kept */
function messageWithNames(message: ChatMessage, names: ReadonlyMap<string, string>): ChatMessage {
  const shownText = (text: string): string =>
    text.replaceAll(SLACK_ACTOR, (whole, id: string) => names.get(id) ?? whole);
  const shownSpans = (text: Text): Text => text.map((span) => shownSpan(span, shownText));
  const { summary, parts } = message;
  return {
    summary: typeof summary === 'string' ? shownText(summary) : shownSpans(summary),
    parts: parts.map((part): ChatPart => {
      switch (part.kind) {
        case 'header':
          return { ...part, text: shownText(part.text) };
        case 'text':
        case 'note':
          return { ...part, text: shownSpans(part.text) };
        case 'fields':
          return { ...part, fields: part.fields.map(({ name, value }) => ({ name, value: shownSpans(value) })) };
        case 'line':
        case 'buttons':
          return part;
      }
    }),
  };
}

function shownSpan(span: Span, shownText: (text: string) => string): Span {
  if (typeof span === 'string') return shownText(span);
  return 'bold' in span ? { bold: shownText(span.bold) } : span;
}
