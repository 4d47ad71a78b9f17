import { afterAll, beforeAll, describe, test } from 'vitest';
import { Firebreak } from '../../support/firebreak.ts';
import { answersOf, CONFIGURED, refusesOthers } from './receiving.ts';

/** One product, restarted with each credential that a file needs. */
let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.prepare({
    unshown: true,
    services: {},
    env: { LOG_LEVEL: 'error' },
    timeScale: 1,
  });
});
afterAll(() => firebreak.remove());

describe.each(CONFIGURED)('configured with $name', ({ env, files }) => {
  beforeAll(() => firebreak.start(env));
  afterAll(() => firebreak.stop());

  test.each(files)('%s gets the expected response', (path) => answersOf(firebreak, path));
  test('the credential of another sender is refused', () => refusesOthers(firebreak, files));
});
