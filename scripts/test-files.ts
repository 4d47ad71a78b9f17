/** Globs of the kinds of tests. A test that is of no other kind belongs to `npm test`. */

/** All tests. */
export const TESTS = ['test/**/*.test.ts', '{features,packages}/*/test/**/*.test.ts'];

/** What must never break, from end to end. Beside the other tests of their subject, as the long ones are. */
export const STORIES = ['test/**/*.story.test.ts', 'features/*/test/**/*.story.test.ts'];

/** Tests with many or random cases, and all other tests with real programs. Stories among them are stories. */
export const LONG = [
  'test/**/*.long.test.ts',
  '{features,packages}/*/test/**/*.long.test.ts',
  'test/e2e/**/*.test.ts',
  'features/*/test/e2e/**/*.test.ts',
];

/** Each `kill -9` of all stories, in one file. */
export const KILLS = ['test/kill/full/**/*.test.ts'];
