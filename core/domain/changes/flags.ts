import type { Change } from '../../../schemas/changes/change.ts';
import { Version } from '../../../schemas/config/names.ts';

/**
 * Returns the key of the flag that a change of kind `flag` has changed. Its version is the key, or the key and what
 * changed, as `new-basket 7 (on)` from LaunchDarkly and `new-basket on: B (1f2e3d4c)` from GO Feature Flag.
 */
export const flagKeyOf = ({ version }: Pick<Change, 'version'>): Version =>
  Version.parse(version.split(' ', 1)[0] || version);

/** Returns whether the change itself turned the flag off, or deleted it: then turning it off undoes nothing. */
export const turnedFlagOff = ({ version }: Pick<Change, 'version'>): boolean =>
  / (?:\d+ \(off\)|off(?: \([0-9a-f]+\))?|deleted)$/.test(version);

/** Variants that users get while a flag is off. */
const OFF = /^(?:off|false|disabled|control|default|none|0)$/i;

export const isOffVariant = (variant: string): boolean => OFF.test(variant);
