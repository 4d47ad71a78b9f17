import type { ChatMessage, Text } from '../../../core/domain/messages/chat-message.ts';
import { helpOf, type Parsed } from '../commands/parse.ts';
import type { CommandName } from '../commands/verb.ts';
import { paragraph, smallPrint } from './replies.ts';

/** How to use the commands of an incident outside of its channel. */
const ELSEWHERE = smallPrint([
  'Outside of the channel of the incident, name the incident first, by its channel or its ID: ',
  { code: '/incident ack #incident-2611201' },
]);

export function helpMessage(command: CommandName): ChatMessage {
  const lines = helpOf(command).flatMap(({ typed, description }): Text => [
    { code: typed.trim() },
    `: ${description}\n`,
  ]);
  const parts = [paragraph(lines), ...(command === 'incident' || command === 'firebreak' ? [ELSEWHERE] : [])];
  return { summary: `How to use /${command}`, parts };
}

export function usageMessage({ because, nearest, command }: Extract<Parsed, { kind: 'usage' }>): ChatMessage {
  const hint: Text = nearest === null ? [] : [' Did you mean ', { code: nearest }, '?'];
  const more: Text = command === null ? [] : ['Help: ', { code: `/${command} help` }];
  return {
    summary: because,
    parts: [
      paragraph([`${because.slice(0, 1).toUpperCase()}${because.slice(1)}. Nothing was done.`, ...hint]),
      ...(more.length > 0 ? [smallPrint(more)] : []),
    ],
  };
}
