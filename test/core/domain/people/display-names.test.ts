import { expect, test } from 'vitest';
import { summaryCard } from '../../../../core/domain/messages/incident-card.ts';
import type { ChatMessage } from '../../../../core/domain/messages/chat-message.ts';
import { withDisplayNames, textWithDisplayNames } from '../../../../core/domain/people/display-names.ts';
import { incident, story } from '../../stories.ts';

const at = incident().opened_at;
const card = summaryCard(
  story({
    incident: incident({
      handling: { acknowledged: { by: 'slack:U0BOB00001', at } },
      status: 'resolved',
      resolved_by: 'slack:U0ADA00001',
      resolved_at: at,
    }),
  }),
);
const names = new Map([['U0BOB00001', 'Bob Tanaka']]);
const nameOf = async (id: string) => names.get(id);

test('IDs are replaced by names; unknown IDs are kept', async () => {
  const text = JSON.stringify(await withDisplayNames(card, nameOf));
  expect(text).toContain('Acknowledged by Bob Tanaka');
  expect(text).toContain('by slack:U0ADA00001');
});

test('the action of a button is unchanged', async () => {
  const button = { verb: 'acknowledge', incident: 'slack:U0BOB00001' } as never;
  const message: ChatMessage = {
    summary: ['slack:U0BOB00001 ', { user: 'U0BOB00001' }],
    parts: [
      { kind: 'buttons', buttons: [{ button, text: 'Acknowledge' }] },
      {
        kind: 'fields',
        fields: [{ name: 'Who', value: [{ bold: 'slack:U0BOB00001' }, { code: 'slack:U0BOB00001' }] }],
      },
    ],
  };
  expect(await withDisplayNames(message, nameOf)).toEqual({
    summary: ['Bob Tanaka ', { user: 'U0BOB00001' }],
    parts: [
      message.parts[0],
      { kind: 'fields', fields: [{ name: 'Who', value: [{ bold: 'Bob Tanaka' }, { code: 'slack:U0BOB00001' }] }] },
    ],
  });
});

test('also in plain text', async () => {
  expect(await textWithDisplayNames('slack:U0BOB00001 asked slack:U0ADA00001, slack:U0BOB00001', nameOf)).toBe(
    'Bob Tanaka asked slack:U0ADA00001, Bob Tanaka',
  );
});
