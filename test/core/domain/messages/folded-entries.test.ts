import { expect, test } from 'vitest';
import { withFoldedPages } from '../../../../core/domain/messages/folded-entries.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';

const entry = (minute: number, kind: string, text = kind) => ({ at: plusSeconds(NOON, 60 * minute), kind, text });
const updated = (minute: number) => entry(minute, 'page-update.succeeded', 'Updated page 1');

test('updates and ends of pages are one line, where the newest one is, in either order', () => {
  const entries = [
    entry(0, 'incident.opened'),
    entry(0, 'page.succeeded', 'Paged'),
    updated(1),
    entry(2, 'decision'),
    updated(2),
    entry(3, 'page-update.failed'),
    entry(4, 'page-resolve.succeeded', 'Page resolved'),
    entry(5, 'incident.resolved'),
  ];
  const shown = [
    'incident.opened',
    'Paged',
    'decision',
    'page-update.failed',
    'Page resolved; 2 earlier updates of pages since 12:01 UTC',
    'incident.resolved',
  ];
  expect(withFoldedPages(entries).map(({ text }) => text)).toEqual(shown);
  expect(withFoldedPages(entries.toReversed()).map(({ text }) => text)).toEqual(shown.toReversed());
});

test('a single one stays as it is', () => {
  expect(withFoldedPages([updated(1)])).toEqual([updated(1)]);
  expect(withFoldedPages([])).toEqual([]);
});
