import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AlertNotice, entriesOf, noticeCard } from '../../../../core/domain/messages/alert-notices.ts';
import { type ChatPart, type Span, utcWords } from '../../../../core/domain/messages/chat-message.ts';
import { Severity } from '../../../../schemas/config/names.ts';
import type { TicketTarget } from '../../../../schemas/alerts/routes.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { arrival, signal, silenced } from '../../../support/signals.ts';
import { NOON } from '../../arbitraries.ts';
import { anyWords } from '../../stories.ts';

const github: TicketTarget = { kind: 'github', repository: 'acme/checkout', labels: [] };
const delivery = { channels: ['#payments', '#ops'], tickets: [github] };

describe('an alert belongs to', () => {
  const kinds = (more: Parameters<typeof arrival>[1], status: 'firing' | 'resolved', separately: boolean) =>
    entriesOf(arrival(signal(), more), status, separately).map((entry) =>
      entry.kind === 'notice' ? `${entry.status} ${entry.channel}` : `${entry.status} ticket`,
    );

  test('a notice in each of its channels, and its tickets, if it has no incident', () => {
    expect(kinds({ delivery }, 'firing', true)).toEqual(['firing #payments', 'firing #ops', 'firing ticket']);
  });

  test('only its tickets if it has an incident, which notifies the channels', () => {
    expect(kinds({ delivery }, 'firing', false)).toEqual(['firing ticket']);
  });

  test('nothing while it is muted, but its end may be reported', () => {
    expect(kinds({ delivery, mute: silenced }, 'firing', true)).toEqual([]);
    expect(kinds({ delivery, mute: silenced }, 'resolved', true)).toHaveLength(3);
  });

  test('nothing without a destination', () => {
    expect(kinds({ delivery: { channels: [], tickets: [] } }, 'firing', true)).toEqual([]);
  });

  test('notices by its actual state, regardless of the last report of its sender', () => {
    const [entry] = entriesOf(arrival(signal({ status: 'firing' }), { delivery }), 'resolved', true);
    expect(entry?.status).toBe('resolved');
  });
});

const alert = (status: 'firing' | 'resolved', more: Partial<Signal> = {}): AlertNotice['alerts'][number] => ({
  signal: signal({ severity: 'warning', title: 'DiskFull', ...more }),
  status,
});

function notice(alerts: AlertNotice['alerts'], more: object = {}): AlertNotice {
  return {
    kind: 'notice',
    channel: '#payments',
    round: 1,
    serviceEnvironment: { service: 'checkout', environment: 'production' },
    firstAt: NOON,
    updatedAt: NOON,
    alerts,
    firing: alerts.filter(({ status }) => status === 'firing').length,
    total: alerts.length,
    ...more,
  };
}

const spanText = (span: Span): string =>
  typeof span === 'string'
    ? span
    : 'bold' in span
      ? span.bold
      : 'link' in span
        ? `[${span.text}](${span.link})`
        : 'at' in span
          ? utcWords(span)
          : JSON.stringify(span);
const partText = (part: ChatPart): string =>
  part.kind === 'text' || part.kind === 'note' ? part.text.map(spanText).join('') : '';
const shown = (one: AlertNotice): string => noticeCard(one).parts.map(partText).join('\n');

describe('the notice', () => {
  test('counts firing alerts, and lists each name once', () => {
    const one = notice([alert('firing'), alert('resolved'), alert('firing', { title: 'CertExpires' })]);
    expect(noticeCard(one).summary).toBe('🟠 checkout production: 2 alerts');
    expect(shown(one)).toContain('🔥 DiskFull × 2\n🔥 CertExpires');
    expect(shown(one)).toContain('since 2026-11-20 12:00 UTC · 3 in total · no incident');
  });

  test('is not urgent for info alerts, and when all alerts have ended', () => {
    expect(noticeCard(notice([alert('firing', { severity: 'info' })])).summary).toBe('🔵 checkout production: 1 alert');
    expect(noticeCard(notice([alert('resolved')])).summary).toBe('✔️ checkout production: all alerts resolved');
  });

  test('of services outside the catalogue names them as such', () => {
    const serviceEnvironment = { service: 'unmatched', environment: 'unknown' };
    const one = notice([alert('firing', { unmatched: 'billing' })], { serviceEnvironment });
    expect(noticeCard(one).summary).toBe('🟠 services outside the catalogue: 1 alert');
    expect(shown(one)).toContain('🔥 billing: DiskFull');
  });

  test('links to further information', () => {
    const links = { runbook: 'https://wiki.test/disk', dashboard: null, source: null };
    expect(shown(notice([alert('firing', { links })]))).toContain('[Runbook](https://wiki.test/disk)');
  });

  test('of any alert can be displayed, and alerts cannot forge links', () => {
    const anyAlert = fc
      .record({ title: anyWords, severity: fc.constantFrom(...Severity.options), firing: fc.boolean() })
      .map(({ firing, ...more }) => alert(firing ? 'firing' : 'resolved', more));
    fc.assert(
      fc.property(fc.array(anyAlert, { maxLength: 15 }), (alerts) => {
        const { summary, parts } = noticeCard(notice(alerts));
        expect([JSON.stringify(summary), ...parts.map(partText)].join()).not.toMatch(/undefined|null|\[object/);
        const links = parts.flatMap((part) => (part.kind === 'text' || part.kind === 'note' ? part.text : []));
        expect(links.filter((span) => typeof span !== 'string' && 'link' in span)).toEqual([]);
      }),
    );
  });
});
