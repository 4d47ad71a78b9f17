import { existsSync } from 'node:fs';
import { DESCRIBE } from '../../../local/stalls/protocol.ts';

/**
 * Loaded into the product before it starts (`node --import`). JSON with the text `stall in KIND` blocks the main thread
 * when an input of this kind is in progress, until the file FIREBREAK_STALL_UNTIL exists; `stall in KIND forever` blocks
 * it in a regular expression.
 */
const { FIREBREAK_STALL_UNTIL: until = '' } = process.env;
const parse = JSON.parse;

/** Returns whether the product says that such an input is in progress in this thread. */
const isInProgress = (kind: string): boolean => {
  const { [DESCRIBE]: describe } = globalThis as { [DESCRIBE]?: () => string };
  return describe?.().includes(`"kind":"${kind}"`) ?? false;
};

JSON.parse = (text: string, reviver?: Parameters<typeof parse>[1]): unknown => {
  const [, kind, forever] = (until !== '' && /stall in (\w+)( forever)?/.exec(text)) || [];
  if (kind !== undefined && isInProgress(kind)) {
    if (forever !== undefined) /^(a+)+$/.test(`${'a'.repeat(64)}!`);
    while (!existsSync(until));
  }
  return parse(text, reviver) as unknown;
};
