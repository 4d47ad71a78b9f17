import { describe, expect, test } from 'vitest';
import type { DeploymentVerdict } from '../../vendors/github/judge.ts';
import { isAllowed, isPinned, versionOf } from '../../vendors/github/judge.ts';
import { answerWaitingDeployments, type ProtectionDeps } from '../../vendors/github/answer.ts';
import { WaitingDeployment } from '../../schemas/waiting-deployment.ts';
import { serviceEnvironmentsOf } from '../../vendors/github/environments.ts';
import { approvedText, pinnedText, timedOutText, waitingText } from '../../vendors/github/texts.ts';
import { COMMENT_MAX_CHARS } from '../../vendors/github/protection.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { ServicesFile } from '../../../../schemas/config/config.ts';
import type { CheckReasonCode } from '../../schemas/freeze-check.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

describe('services of a deployment at GitHub', () => {
  const github = (more: object = {}) => ({ deployer: { kind: 'github', ...more } });
  const { services } = ServicesFile.parse({
    services: {
      checkout: { repository: 'acme/checkout', environments: { production: {}, Staging: {} } },
      cart: { repository: 'https://github.com/acme/shop.git', environments: { production: github() } },
      basket: { repository: 'acme/shop', environments: { production: github({ environment: 'basket-live' }) } },
      search: { repository: 'acme/shop', environments: { production: {} } },
      deploys: { repository: 'acme/code', environments: { production: github({ repository: 'acme/deploy' }) } },
      api: {
        repository: 'acme/backend',
        environments: { production: github({ environment: 'api-live' }), staging: {}, qa: github() },
      },
      worker: { repository: 'acme/backend', environments: { production: github({ environment: 'worker-live' }) } },
      books: {
        repository: 'acme/books',
        environments: {
          production: { sources: { github: { environment: ['production', 'production-eu'] } } },
          staging: {},
        },
      },
      tools: {},
    },
  });
  const at = (repository: string, environment: string) =>
    serviceEnvironmentsOf(services, { repository, environment }).map(
      (serviceEnvironment) => `${serviceEnvironment.service}/${serviceEnvironment.environment}`,
    );

  test.each<[string, string, string, string[]]>([
    ['the service of the repository', 'acme/checkout', 'production', ['checkout/production']],
    ['names in another case', 'ACME/Checkout', 'STAGING', ['checkout/Staging']],
    ['an environment that is not in the catalogue', 'acme/checkout', 'qa', ['checkout/qa']],
    ['all services of a repository', 'acme/shop', 'production', ['cart/production', 'search/production']],
    [
      'an environment of one service, and services without a mapped environment',
      'acme/shop',
      'basket-live',
      ['cart/basket-live', 'basket/production', 'search/basket-live'],
    ],
    ['the repository in the deployer', 'acme/deploy', 'production', ['deploys/production']],
    ['not the code repository if the deployer has another', 'acme/code', 'production', ['deploys/production']],
    ['an environment beside one with another name at GitHub', 'acme/backend', 'staging', ['api/staging']],
    ['the only service that deploys with it', 'acme/backend', 'api-live', ['api/production']],
    [
      'all services of a repository if each has another name at GitHub',
      'acme/backend',
      'production',
      ['api/production', 'worker/production'],
    ],
    ['a name at GitHub that an environment lists', 'acme/books', 'production-eu', ['books/production']],
    ['another environment beside it', 'acme/books', 'staging', ['books/staging']],
    ["an unknown service with the repository's name", 'acme/new', 'production', ['new/production']],
  ])('%s', (_, repository, environment, expected) => expect(at(repository, environment)).toEqual(expected));
});

describe('a deployment that another process is answering', () => {
  const at = (second: number) => timestamp(Date.parse('2026-11-20T12:00:00Z') + second * 1000);
  const gate = WaitingDeployment.parse({
    id: 'octo-org/checkout 1',
    repository: 'octo-org/checkout',
    environment: 'production',
    run: 1,
    deployment_id: '10',
    commit: '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1',
    ref: 'main',
    installation_id: null,
    asked_by: 'ada',
    asked_at: at(-32 * 86_400), // GitHub no longer waits, so an answer needs no call
    sent_decisions: null,
    notes: 0,
    busy_until: at(12),
    rev: 1,
  });

  test.each([
    ['is left to it', 11.9, []],
    ['is answered if it has died', 12, [gate.id]],
  ])('%s', async (_, second, expected) => {
    const ended: string[] = [];
    const errors: unknown[] = [];
    await answerWaitingDeployments({
      clock: { now: () => at(second) },
      waitingDeployments: { all: async () => [gate], end: async ({ id }: WaitingDeployment) => ended.push(id) },
      audit: { append: async () => undefined },
      log: { info: () => undefined, error: (...error: unknown[]) => errors.push(error) },
    } as unknown as ProtectionDeps);
    expect({ ended, errors }).toEqual({ ended: expected, errors: [] });
  });
});

describe('the recorded version of a commit', () => {
  const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
  const change = (version: string, commit: string | null) => ({ version, commit }) as Change;
  const pin = (version: string, state = 'pinned') => ({ version, state }) as PinView;
  const named = (changes: Change[], pins: PinView[] = [], ref = 'main') =>
    versionOf({ commit: SHA, ref }, changes, pins);

  test.each<[string, string, () => string]>([
    ['none', SHA, () => named([change('v1', 'f'.repeat(40)), change('main2', null)])],
    ['the recorded commit', 'v2', () => named([change('v1', 'f'.repeat(40)), change('v2', SHA)])],
    ['a shortened commit', 'v2', () => named([change('v2', SHA.slice(0, 9))])],
    ['a version that is the commit', SHA.slice(0, 7), () => named([change(SHA.slice(0, 7), null)])],
    ['a tag', 'v3', () => named([change('v3', null)], [], 'refs/tags/v3')],
    ['the newest of several', 'v5', () => named([change('v4', SHA), change('v5', SHA)])],
    ['the known bad one of several', 'v4', () => named([change('v4', SHA), change('v5', SHA)], [pin('v4')])],
    [
      'not a version whose pin was lifted',
      'v5',
      () => named([change('v4', SHA), change('v5', SHA)], [pin('v4', 'lifted')]),
    ],
    ['a known bad version without a recent record', SHA, () => named([], [pin(SHA)])],
    ['a version known bad by its tag', 'v6', () => named([], [pin('v6')], 'v6')],
    [
      'a tag, if the recorded commit is one of the repository for deployments',
      'v7',
      () => named([{ ...change('v7', 'f'.repeat(40)), reported_by: 'argo-cd' }], [], 'v7'),
    ],
    [
      'not another commit of a branch',
      SHA,
      () =>
        named(
          [{ ...change('6.4 (fffffff)', 'f'.repeat(40)), reported_version: '6.4' } as Change],
          [pin('6.4 (fffffff)')],
          '6.4',
        ),
    ],
  ])('%s: %s', (_, version, found) => expect(found()).toBe(version));
});

describe('the comment at GitHub', () => {
  const verdictOf = (
    texts: string[],
    {
      allowed = false,
      code = 'person',
      clears = 'when it ends',
    }: { allowed?: boolean; code?: CheckReasonCode; clears?: string } = {},
  ) =>
    ({
      serviceEnvironment: { service: 'checkout', environment: 'production' },
      answer: {
        allowed,
        reasons: texts.map((text) => ({ code, text })),
        clears_when: allowed ? null : clears,
        decision_id: 'frd_0123456789abcdef0123456789abcdef',
      },
    }) as DeploymentVerdict[number];
  const until = timestamp(Date.parse('2026-11-21T12:00:00Z'));

  test('has the reasons and the time of rejection', () => {
    const text = waitingText([verdictOf(['a sale']), verdictOf(['no freeze applies'], { allowed: true })], until);
    expect(text).toContain('- `checkout/production`: `a sale`');
    expect(text).toContain('It continues automatically once it is allowed (`when it ends`)');
    expect(text).toMatch(/or is rejected at .*2026.*12:00/);
    expect(text).toContain('frd_0123456789abcdef0123456789abcdef');
  });

  test('quotes user texts, so that they mention nobody and close no issue', () => {
    const text = waitingText([verdictOf(['ask @acme/ops`\n## fixes #7'])], until);
    expect(text).toContain('``ask @acme/ops` ## fixes #7``');
    expect(text.split('\n').filter((line) => line.startsWith('#'))).toEqual([]);
  });

  test('fits into the limit, however long the reasons are', () => {
    const much = Array.from({ length: 40 }, (_, n) =>
      verdictOf([`${n} ${'ä'.repeat(500)}`], { clears: 'when '.repeat(200) }),
    );
    for (const text of [waitingText(much, until), approvedText(much), pinnedText(much), timedOutText(much, 24)]) {
      expect(Array.from(text).length).toBeLessThanOrEqual(COMMENT_MAX_CHARS);
      expect(text).toMatch(/\n- …$/);
    }
  });

  test('one refused service refuses the deployment, and a known bad version does not wait', () => {
    const free = verdictOf(['free'], { allowed: true });
    expect([isAllowed([free, free]), isAllowed([free, verdictOf(['a sale'])])]).toEqual([true, false]);
    expect(isPinned([free, verdictOf(['bad'], { code: 'pinned_version' })])).toBe(true);
    expect(isPinned([verdictOf(['a hint'], { allowed: true, code: 'pinned_version' }), verdictOf(['a sale'])])).toBe(
      false,
    );
  });
});
