import { test } from 'vitest';
import { expectNothingWrong } from './random-stories.ts';

test('random stories never violate an invariant, and end with every incident resolved', () => expectNothingWrong(80));
