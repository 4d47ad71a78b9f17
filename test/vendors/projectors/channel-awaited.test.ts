import { expect, test } from 'vitest';
import { type WaiterDeps, notifyOfChannel, channelWaiterKey } from '../../../core/domain/messages/channel-waiter.ts';
import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import type { ReplyTo } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { INCIDENT, play, slackWorld } from './slack-world.ts';
import { NO_TROUBLE } from './trouble.ts';

const EAR: ReplyTo = { user: 'U0ADA', channel: 'C0GENERAL', responseUrl: 'https://hooks.slack.com/commands/T1/1/x' };

/** Sets up a person who waits for the channel, and records the messages to them. */
function waiting(answer: VendorResponse<null> = { kind: 'done', value: null }) {
  const kept = new Map([[channelWaiterKey(INCIDENT), { outcome: { reply_to: EAR } as unknown, delivered: false }]]);
  const told: { ear: ReplyTo; message: ChatMessage }[] = [];
  const deps: WaiterDeps = {
    processedEvents: {
      read: async (key) => kept.get(key),
      markDelivered: async (key) => {
        const found = kept.get(key);
        if (found) found.delivered = true;
      },
    },
    ephemeralMessages: {
      send: async (ear, message) => {
        told.push({ ear, message });
        return answer;
      },
    },
  };
  return { deps, told };
}

test('the person who declared an incident gets its channel once it exists, and only once', async () => {
  const { deps, told } = waiting();
  const slack = slackWorld({ archiveAfterHours: 'never', taken: 0, trouble: NO_TROUBLE }, undefined, deps);
  await play(slack, []);
  await play(slack, []);
  const [channel] = slack.chat.channels.filter(({ isOwn }) => isOwn);
  expect(told).toEqual([
    { ear: EAR, message: expect.objectContaining({ parts: [expect.objectContaining({ kind: 'text' })] }) },
  ]);
  expect(JSON.stringify(told)).toContain(JSON.stringify({ channel: channel?.id }));
});

test('a message that the chat does not accept is retried; no message is sent without waiting', async () => {
  const { deps, told } = waiting({ kind: 'later', detail: 'busy', afterSeconds: null });
  await notifyOfChannel(deps, INCIDENT, 'C1');
  await notifyOfChannel(deps, INCIDENT, 'C1');
  expect(told).toHaveLength(2);
  const other = '01JCYZ7Q8M3N5P7R9T1V3X5Z7C' as typeof INCIDENT;
  await notifyOfChannel(deps, other, 'C1');
  expect(told).toHaveLength(2);
});
