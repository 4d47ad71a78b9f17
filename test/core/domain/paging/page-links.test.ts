import { expect, test } from 'vitest';
import { linksOf } from '../../../../core/domain/messages/story.ts';
import { pageAttachments } from '../../../../core/domain/paging/page-links.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';

const signal = (annotations: [string, string][], links: Partial<Signal['links']> = {}): Signal =>
  ({
    title: 'HighErrorRatio',
    annotations,
    links: { runbook: null, dashboard: null, source: null, ...links },
  }) as unknown as Signal;

test("a page has links for further investigation, and the alerts' images", () => {
  const picture = 'https://grafana.example.com/render/d-solo/1.png';
  const signals = [
    signal(
      [
        ['image_url', picture],
        ['logs', 'https://logs.example.com/q'],
      ],
      { runbook: 'https://wiki.example.com/r' },
    ),
    signal([
      ['image', picture],
      ['graph', 'https://grafana.example.com/2.png'],
    ]),
  ];
  expect(pageAttachments(signals, linksOf(signals))).toEqual({
    links: [
      { href: 'https://wiki.example.com/r', text: 'Runbook' },
      { href: 'https://logs.example.com/q', text: 'Logs' },
    ],
    images: [
      { src: picture, alt: 'HighErrorRatio' },
      { src: 'https://grafana.example.com/2.png', alt: 'HighErrorRatio' },
    ],
  });
});

test.each(['http://grafana.example.com/1.png', 'javascript:alert(1)', 'https://grafana.example.com/1.p…', ''])(
  'no image from %j',
  (value) => {
    expect(pageAttachments([signal([['image', value]])], []).images).toEqual([]);
  },
);
