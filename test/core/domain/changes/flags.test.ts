import { expect, test } from 'vitest';
import { flagKeyOf, isOffVariant, turnedFlagOff } from '../../../../core/domain/changes/flags.ts';
import { Version } from '../../../../schemas/config/names.ts';

const of = (version: string) => ({ version: Version.parse(version) });

test.each([
  ['new-basket', 'new-basket', false],
  ['new-basket 7', 'new-basket', false],
  ['new-basket 7 (on)', 'new-basket', false],
  ['new-basket 8 (off)', 'new-basket', true],
  ['checkout on: B (1f2e3d4c)', 'checkout', false],
  ['checkout off (1f2e3d4c)', 'checkout', true],
  ['checkout off', 'checkout', true],
  ['checkout deleted', 'checkout', true],
  ['turn-off', 'turn-off', false],
])('the change %j is one of the flag %j (turned off: %s)', (version, key, off) => {
  expect([flagKeyOf(of(version)), turnedFlagOff(of(version))]).toEqual([key, off]);
});

test('users have the variant off while a flag is off', () => {
  expect(['off', 'OFF', 'false', 'control', 'default'].every(isOffVariant)).toBe(true);
  expect(['on', 'true', 'B', 'offline-first'].some(isOffVariant)).toBe(false);
});
