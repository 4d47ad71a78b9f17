import { expect, test } from 'vitest';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { consoleWorld } from '../../../../test/support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../../../test/support/hostile.ts';
import { parts, freezesPanel } from '../../pages/index.ts';
import type { Freeze } from '../../schemas/freeze.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;

const freeze = {
  cause: 'person',
  service: hostile('frozen'),
  environment: null,
  team: null,
  reason: hostile('reason of the freeze'),
  ends_when: hostile('end of the freeze'),
  starts_at: AT,
  until: null,
  overrides: [],
} as unknown as Freeze;

test('the first page shows freezes, and texts of people are harmless there', async () => {
  const page = String(await freezesPanel([freeze], AT));
  expectHarmless(page, 3);
  for (const words of ['frozen', 'reason of the freeze', 'end of the freeze', 'by hand'])
    expect(textOf(page)).toContain(words);
});

test('the first page says that there is no freeze, only to viewers who may see freezes', async () => {
  const { world } = consoleWorld();
  const shown = (may: boolean) =>
    parts.nowPanelBelow?.({ ...world.deps } as never, { may: () => may, grants: [] } as never, AT);
  expect(await shown(true)).toEqual({ quiet: 'freeze' });
  expect(await shown(false)).toBe('');
});
