import { afterAll, beforeAll, expect, test } from 'vitest';
import { EACH_ALONE, Firebreak } from '../support/firebreak.ts';
import { environment, Guarded } from './guarded.ts';

/** A rollback that needs a review in Git: the person on call gets the link. */

const REPOSITORY = 'acme/reviewed';
const at = { service: 'reviewed', environment: 'production' };

let firebreak: Firebreak;
const guarded = new Guarded(() => firebreak);

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      reviewed: {
        repository: REPOSITORY,
        environments: { production: environment('act', { deployer: { kind: 'github', via: 'revert' } }) },
      },
    },
    configFiles: EACH_ALONE,
    timeScale: 200,
  });
});
afterAll(() => firebreak?.remove());

/** Commits and deploys a version. */
async function shipped(version: string): Promise<{ commit: string }> {
  const { body } = await firebreak.post('/sandbox/github/commits', {
    repository: REPOSITORY,
    files: { 'version.txt': version },
    message: version,
  });
  return { commit: body.sha };
}

test('the URL of a waiting pull request is on the timeline, in the channel, and in the incident', async () => {
  const [good, bad] = [await shipped('v41'), await shipped('v42')];
  await guarded.deployed(at, { version: 'v41', minutes: 310, ...good }, { version: 'v42', minutes: 3, ...bad });
  await guarded.fire(at, { severity: 'warning' });
  const one = await guarded.incident(at, ({ effects }) => effects.some(({ state }: any) => state === 'accepted'));
  const address = new RegExp(
    `/${REPOSITORY}/pull/1 must be merged \\(at a stand-in of the sandbox: no real system was changed\\)$`,
  );
  expect((await guarded.awaitEntry(one, 'roll-back.accepted')).text).toMatch(address);
  expect(one.effects.find(({ kind }: any) => kind === 'roll-back').detail).toMatch(address);
  // A person must act, so the incident pages, even for a warning.
  await guarded.awaitEntry(one, 'page.succeeded');

  const merge = { repository: REPOSITORY, number: 1 };
  expect((await firebreak.post('/sandbox/github/merges', merge)).status).toBeLessThan(300);
  await guarded.mitigated(at);
});
