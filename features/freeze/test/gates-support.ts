import { gatesProjector } from '../gates.ts';
import { sync } from '../../../core/projectors/sync.ts';
import { clock, sandbox, setFault, start } from '../../../packages/sandbox/test/support.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { gatesSubject } from '../../../core/domain/incidents/projections.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { silent } from '../../../test/support/fake-deps.ts';
import { StoredProjections } from '../../../test/vendors/projectors/stored-projections.ts';
import type { Freeze } from '../schemas/freeze.ts';
import { GatesState } from '../schemas/freeze-gates.ts';
import { clusterGates } from '../vendors/kubernetes/cluster-gates.ts';
import { freeze as aFreeze } from './decisions/builders.ts';

const HERE = { service: ServiceName.parse('checkout'), environment: EnvironmentName.parse('production') };
const KUSTOMIZATION = '/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations';
const HELM_RELEASE = '/apis/helm.toolkit.fluxcd.io/v2/namespaces/shop/helmreleases';
const CONFIG_MAP = '/api/v1/namespaces/firebreak/configmaps';

export const FLUX = {
  flux: [
    { kind: 'Kustomization', name: 'shop' },
    { kind: 'HelmRelease', namespace: 'shop', name: 'checkout' },
  ],
};

export const MARK = 'firebreak.dev/frozen-by';

/** A cluster with objects of Flux and the parameters of the admission policy, and the gates of one service. */
export async function setUp(gates: object | undefined = FLUX, environment: object = {}) {
  const time = clock();
  const standIns = await start({ now: time.now });
  const at = standIns.urls.kubernetes;
  const ask = async (method: string, path: string, body?: unknown): Promise<any> => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = { authorization: 'Bearer an-administrator', 'content-type': type };
    const response = await fetch(at + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  await ask('POST', KUSTOMIZATION, {
    metadata: { name: 'shop', annotations: { team: 'shop' } },
    spec: { interval: '10m', prune: true, sourceRef: { kind: 'GitRepository', name: 'shop' } },
  });
  await ask('POST', HELM_RELEASE, {
    metadata: { name: 'checkout' },
    spec: { interval: '10m', chartRef: { kind: 'OCIRepository', name: 'checkout' } },
  });
  await ask('POST', CONFIG_MAP, { metadata: { name: 'firebreak-freezes' } });

  const configOf = (freezeGates: object | undefined) =>
    Config.parse({
      version: 'test',
      services: {
        checkout: { environments: { production: { ...environment, ...(freezeGates && { freezeGates }) } } },
        search: { environments: { production: {} } },
      },
      paging: {},
    });
  let config = configOf(gates);
  const simulated = { now: () => timestamp(time.now()) };
  const projections = new StoredProjections(simulated);
  const secrets = { get: async (name: string) => (name === 'KUBERNETES_URL' ? at : 'a-token') };
  const freezes = new Map<string, Freeze>();
  const changes: Change[] = [];
  let rollbackTo: string | undefined;
  const project = gatesProjector({
    config: { current: async () => config } as never,
    freezes: { get: async (id: string) => freezes.get(id), current: async () => [...freezes.values()] } as never,
    changes: { recent: async () => changes } as never,
    pins: { of: async () => [] },
    incidents: {
      read: async () => HERE as never,
      openAt: async () => (rollbackTo === undefined ? undefined : ({ id: 'inc' } as never)),
      view: async () =>
        ({ id: 'inc', decisions: [{}], effects: [{ key: 'inc.roll-back.1', state: 'accepted' }] }) as never,
    },
    decisions: { get: async () => ({ to_version: rollbackTo }) } as never,
    projections,
    clusterGates: clusterGates({ secrets, clock: simulated }),
  });
  const run = () => sync('gates', { clock: simulated, log: silent, projections }, project);
  const freeze = (id: string, more: Partial<Freeze> = {}): Freeze =>
    aFreeze('person', { id, starts_at: simulated.now(), reason: 'the sale', ...more });
  return {
    standIns,
    ask,
    run,
    now: simulated.now,
    changes,
    waiting: () => projections.waiting('gates'),
    kustomization: () => ask('GET', `${KUSTOMIZATION}/shop`),
    helmRelease: () => ask('GET', `${HELM_RELEASE}/checkout`),
    changeKustomization: (body: object) => ask('PATCH', `${KUSTOMIZATION}/shop`, body),
    parameters: async (): Promise<Record<string, string>> => (await ask('GET', `${CONFIG_MAP}/firebreak-freezes`)).data,
    fault: (fault: object, method = 'PATCH') =>
      setFault(standIns, { vendor: 'kubernetes', fault, times: 1, match: { method } } as never),
    gates: async () =>
      GatesState.parse((await projections.read('gates', gatesSubject(HERE))) ?? {}).gates.map(
        ({ object, condition }) => `${object} ${condition}`,
      ),
    async open(id: string, more: Partial<Freeze> = {}) {
      freezes.set(id, freeze(id, more));
      await projections.changed(`freeze:${id}`);
      await run();
    },
    async change(id: string, more: Partial<Freeze>) {
      freezes.set(id, { ...(freezes.get(id) ?? freeze(id)), ...more });
      await projections.changed(`freeze:${id}`);
      await run();
    },
    async rollBack(to: string | undefined) {
      rollbackTo = to;
      await projections.changed('incident:01TEST00000000000000000001');
      await run();
    },
    configure: (freezeGates: object | undefined) => void (config = configOf(freezeGates)),
    async advance(seconds: number) {
      time.forward(seconds * 1000);
      await run();
    },
    sandbox: <T>(method: string, path: string, body?: unknown) => sandbox<T>(standIns, method, path, body),
  };
}
