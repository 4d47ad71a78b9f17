import * as z from 'zod';

/** No spaces, control characters, or invisible characters only. */
const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** Returns a text without the spaces around it. Empty: nothing of it is visible. */
export const visibleText = (text: string): string => (VISIBLE.test(text) ? text.trim() : '');

/** Text that a person can write. It is empty if nothing of it is visible. */
export const freeText = (max: number) => z.string().overwrite(visibleText).max(max);

/** Text that a person must write. @param blank what to say if nothing of it is visible */
export const requiredText = (max: number, blank = 'must not be blank') => freeText(max).min(1, blank);
