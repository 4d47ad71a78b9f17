import { rollbackGateAnswer } from '../../../core/domain/rollback/rollback-gate.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { RollbackGates } from '../../../core/domain/ports/rollback.ts';
import type { Deployer } from '../../../core/domain/rollback/targets.ts';
import { flaggerDeployer } from '../../../vendors/flagger/deployer.ts';
import type { RollbackGateRequest } from '../../../schemas/rollback/gate-request.ts';
import { sandbox, setFault } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { fault, openCluster, request, type TestCluster } from '../kubernetes/cluster.ts';
import type { TargetWorld, Trouble } from '../target-conformance.ts';

const CANARIES = '/apis/flagger.app/v1beta1/namespaces/default/canaries';

export const GATE = {
  name: 'firebreak',
  type: 'rollback',
  url: 'https://firebreak.test/integrations/flagger/rollback?key=fb_key-of-checkout',
};

const serviceEnvironment = {
  service: request().service,
  environment: request().environment,
} satisfies ServiceEnvironment;

/** An in-memory store of rollback requests that can lose responses and be late. */
export class TestGates implements RollbackGates {
  wish: RollbackGateRequest | undefined;
  /** The number of requests. */
  wishes = 0;
  trouble: 'lost' | 'late' | 'down' | undefined;
  #late: RollbackGateRequest | undefined;

  async store(wish: RollbackGateRequest): Promise<void> {
    const trouble = this.trouble;
    this.trouble = undefined;
    if (trouble === 'late') this.#late = wish;
    if (trouble === undefined || trouble === 'lost') this.#put(wish);
    if (trouble !== undefined) throw new Error(`no answer from the table: ${trouble}`);
  }

  async get(): Promise<RollbackGateRequest | undefined> {
    if (this.trouble === 'down') throw new Error('no answer from the table');
    return this.wish;
  }

  async recordMismatch(_: ServiceEnvironment, key: string, checksum: string): Promise<void> {
    if (this.wish?.key === key) this.wish = { ...this.wish, other_checksum: checksum };
  }

  async clear(_: ServiceEnvironment, key: string): Promise<void> {
    if (this.wish?.key === key) this.wish = { ...this.wish, state: 'over' };
  }

  arrive(): void {
    if (this.#late !== undefined) this.#put(this.#late);
    this.#late = undefined;
  }

  #put(wish: RollbackGateRequest): void {
    if (wish.key !== this.wish?.key) this.wishes += 1;
    this.wish = wish;
  }
}

type Answers = Partial<Record<'rollback' | 'confirm-rollout' | 'confirm-promotion', number>>;

/** Starts Flagger in a cluster. Its checks run only when called. */
export async function openFlagger(spec: { analysis?: object } & Record<string, unknown> = {}) {
  const opened = await openCluster('Deployment', 'checkout-primary');
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const gates = new TestGates();
  const canary = () => opened.ask('GET', `${CANARIES}/checkout`);
  const which = { name: 'checkout' };

  /** Runs one check with these webhook responses. Rollouts finish before the next check. */
  async function check(answers: Answers = {}, metrics = 'passed'): Promise<any> {
    const found = await sandbox<any>(opened.standIns, 'POST', '/kubernetes/flagger/check', {
      ...which,
      answers,
      metrics,
    });
    opened.forward();
    return found.status;
  }

  /** Runs checks until Flagger reaches this phase. */
  async function until(phase: string, answers: Answers = {}): Promise<any> {
    for (let tries = 0; tries < 20; tries += 1) {
      const status = await check(answers);
      if (status.phase === phase) return status;
    }
    throw new Error(`it is in phase ${(await canary()).status.phase}, and does not come to ${phase}`);
  }

  /** Runs a check in which Flagger calls the gate. Returns the gate's response status. */
  async function checkAsking(checksum?: string): Promise<number | undefined> {
    const [question] = await sandbox<any[]>(opened.standIns, 'GET', '/kubernetes/flagger/questions?name=checkout');
    if (question === undefined) return void (await check());
    const { body } = question;
    const asked = { canary: `${body.namespace}/${body.name}`, phase: body.phase, checksum: checksum ?? body.checksum };
    const answer = rollbackGateAnswer(gates.wish, asked, clock.now());
    if (!answer.open && answer.isMismatch)
      await gates.recordMismatch(serviceEnvironment, gates.wish?.key ?? '', asked.checksum);
    const status = answer.open ? 200 : 403;
    await check({ rollback: status });
    return status;
  }

  await opened.deploy('v41');
  opened.forward();
  const { analysis, ...more } = spec;
  await opened.ask('POST', CANARIES, {
    metadata: { name: 'checkout' },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      analysis: { threshold: 1, maxWeight: 40, stepWeight: 20, webhooks: [GATE], ...analysis },
      ...more,
    },
  });
  await until('Initialized');

  const deployer = flaggerDeployer(
    { kind: 'flagger', namespace: 'default' },
    { cluster: { ...opened.cluster, clock }, serviceEnvironment, rollbackGates: gates },
  );
  return {
    ...opened,
    clock,
    gates,
    deployer,
    canary,
    check,
    until,
    checkAsking,
    patchCanary: (body: object) => opened.ask('PATCH', `${CANARIES}/checkout`, body, 'application/merge-patch+json'),
    /** Returns the version that gets traffic: the canary if it has traffic, otherwise the primary. */
    running: async (): Promise<string> => {
      const { status } = await canary();
      const isShared = ['Progressing', 'WaitingPromotion'].includes(status.phase) || status.canaryWeight > 0;
      const name = isShared ? 'checkout' : 'checkout-primary';
      const { spec: found } = await opened.ask('GET', `/apis/apps/v1/namespaces/default/deployments/${name}`);
      return found.template.spec.containers[0].image.split(':').at(-1);
    },
  };
}
export type TestFlagger = Awaited<ReturnType<typeof openFlagger>>;

/** Starts v42 with 20 percent of the traffic over v41. */
export async function underWay(spec: Parameters<typeof openFlagger>[0] = {}): Promise<TestFlagger> {
  const flagger = await openFlagger(spec);
  await flagger.deploy('v42');
  await flagger.until('Progressing');
  await flagger.check();
  return flagger;
}

/** Starts v42 as the promoted version after v41. */
export async function promoted(spec: Parameters<typeof openFlagger>[0] = {}): Promise<TestFlagger> {
  const flagger = await openFlagger(spec);
  await flagger.deploy('v42');
  await flagger.until('Succeeded');
  return flagger;
}

/** Returns the conformance test's world: a rollout that is rolled back through the gate. */
export function gateWorld(flagger: TestFlagger): TargetWorld {
  const { gates, deployer, standIns } = flagger;
  return {
    deployer,
    request: request(),
    async trouble(trouble: Trouble) {
      if (trouble === 'lost_answer') gates.trouble = 'lost';
      else if (trouble === 'late_effect') gates.trouble = 'late';
      else await setFault(standIns, fault(trouble, 'GET'));
    },
    async settle(how) {
      gates.arrive();
      if (how === undefined) return void (await flagger.checkAsking());
      await flagger.settings({ outcome: 'failed' });
      await flagger.until('Promoting'); // the gate is unreachable
      flagger.forward(700_000);
      await flagger.until('Failed');
    },
    running: flagger.running,
    begun: async () => gates.wishes,
    async ship() {
      await flagger.deploy('v43');
      await flagger.check();
      return 'v43';
    },
    occupy: () => flagger.until('Promoting'),
    async drift() {
      await flagger.deploy('v43');
      await flagger.check();
    },
  };
}

export const deployedTo = async ({ ask }: TestCluster, name: string): Promise<any> =>
  ask('GET', `/apis/apps/v1/namespaces/default/deployments/${name}`);

export const otherKey = (deployer: Deployer) => deployer.rollBack(request({ key: `${request().key}-2` }));
