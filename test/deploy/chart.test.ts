import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { CONFIG_FILES } from '../../local/config/catalogue-files.ts';
import { loadSet } from '../../local/config/config-set.ts';
import { loadRunbooks } from '../../local/config/runbook-files.ts';
import { readSettings } from '../../local/settings.ts';
import { kubernetesManifests } from '../../scripts/kubernetes-manifests.ts';
import { helm, kubectl, TOOLS_RUN_HERE } from '../../scripts/kubernetes/tools.ts';
import { VARIABLES } from '../../schemas/config/variables.ts';
import {
  access,
  inCatalogue,
  type KubernetesObject,
  layOut,
  objectsIn,
  permissions,
  podOf,
  rendered,
  Rules,
  variablesOf,
} from './chart.ts';
import { containerfile, environmentOf, restOf, ROOT } from './containerfile.ts';
import { schemaProblems } from './kubernetes-schemas.ts';

const text = (file: string) => readFile(join(ROOT, file), 'utf8');

/** The values that the documentation gives, and everything turned on. */
const VALUES = {
  shadow: 'examples/kubernetes/values-shadow.yaml',
  GitOps: 'examples/kubernetes/values-gitops.yaml',
  complete: 'test/deploy/values-complete.yaml',
};

describe.skipIf(!TOOLS_RUN_HERE)('the chart, rendered by Helm', () => {
  let folder: string;
  let complete: KubernetesObject[];
  let byDefault: KubernetesObject[];
  beforeAll(async () => {
    complete = await rendered(VALUES.complete);
    byDefault = await rendered();
  });
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'firebreak-chart-'))));
  afterAll(() => rm(folder, { recursive: true }));

  describe.each(Object.entries(VALUES))('with the values %s', (name, values) => {
    let objects: KubernetesObject[];
    beforeAll(async () => void (objects = name === 'complete' ? complete : await rendered(values)));

    test('has objects that the published schemas accept, without unknown fields', async () => {
      expect(await schemaProblems(objects)).toEqual([]);
    });

    test('gives Firebreak a valid environment, configuration, and runbooks', async () => {
      const root = join(folder, name);
      await layOut(objects, root, '..2026_01');
      const image = environmentOf(await containerfile());
      const settings = readSettings({ ...image, ...variablesOf(objects) }, '/opt/firebreak');
      expect(settings).toMatchObject({
        host: '0.0.0.0',
        port: 8080,
        sandbox: false,
        dataDir: '/var/lib/firebreak/data',
      });
      const loaded = await loadSet({ configDir: join(root, settings.configDir), runbooksDir: join(ROOT, 'runbooks') });
      expect(loaded).not.toHaveProperty('problems');
      const own = await loadRunbooks(join(root, settings.runbooksDir));
      expect(own).not.toHaveProperty('problems');
      expect(own).toMatchObject({
        ok: true,
        set: { runbooks: name === 'complete' ? [{ name: 'checkout-cache' }] : [] },
      });
    });

    test('runs one restricted pod, which can write only to its volume and /tmp', () => {
      const statefulSet = objects.find(({ kind }) => kind === 'StatefulSet');
      expect(statefulSet).toMatchObject({
        spec: {
          replicas: 1,
          template: {
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
              containers: [
                {
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                },
              ],
            },
          },
        },
      });
      const writable = podOf(objects).container.volumeMounts.filter((mount) => mount['readOnly'] !== true);
      expect(writable.map(({ mountPath }) => mountPath)).toEqual(['/var/lib/firebreak', '/tmp']);
    });
  });

  test('uses the folder and the user of the image', async () => {
    const image = await containerfile();
    expect(restOf(image, 'WORKDIR').at(-1)).toBe('/opt/firebreak'); // included runbooks, and those of the values below them
    expect(restOf(image, 'VOLUME')).toEqual(['/var/lib/firebreak']);
    expect(restOf(image, 'USER')).toEqual(['node']); // 1000 in the images of Node
  });

  test('has the version of the product', async () => {
    const { version } = JSON.parse(await text('package.json')) as { version: string };
    expect(parse(await text('deploy/chart/Chart.yaml'))).toMatchObject({
      apiVersion: 'v2',
      version,
      appVersion: version,
    });
    expect(podOf(byDefault).container.image).toBe(`localhost/firebreak:${version}`);
  });

  test('runs the image that the documentation builds and pushes', async () => {
    const page = await text('docs/how-to/kubernetes-install.md');
    const { image } = podOf(await rendered(VALUES.shadow)).container;
    expect([...page.matchAll(/docker (?:build -t|push) (\S+)/g)].map(([, name]) => name)).toEqual([image, image]);
  });

  test('passes the checks of Helm', async () => {
    expect(await helm('lint', '--strict', 'deploy/chart')).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  test('keeps the pod when only the content of the configuration changes', async () => {
    const podWith = async (mode: string) => {
      const environment = { deployer: { kind: 'kubernetes', namespace: 'shop' }, autoRollback: { mode } };
      const objects = await rendered(inCatalogue(environment));
      return objects.filter(({ kind }) => kind !== 'ConfigMap');
    };
    expect(await podWith('approve')).toEqual(await podWith('shadow'));
  });

  test('takes alerts about Firebreak from the file of Prometheus, with the address of your runbooks', async () => {
    const objects = complete;
    const address = 'https://wiki.example.com/firebreak';
    const rules = (await text('deploy/monitoring/firebreak-rules.yaml')).replaceAll(
      'https://runbooks.example.com/firebreak',
      address,
    );
    expect(objects.find(({ kind }) => kind === 'PrometheusRule')).toMatchObject({ spec: parse(rules) as object });
    // The rules name the job.
    const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor');
    expect(monitor).toMatchObject({ spec: { jobLabel: 'app.kubernetes.io/name' } });
    const service = objects.find(({ kind }) => kind === 'Service');
    expect(service).toMatchObject({ metadata: { labels: { 'app.kubernetes.io/name': 'firebreak' } } });
  });

  describe('permissions', () => {
    const documented = async (page: string, isRole: (value: unknown) => boolean) => {
      const blocks = [...(await text(page)).matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)].flatMap(({ 1: block = '' }) => {
        try {
          return [parse(block.split(/^---$/m)[0] ?? '') as unknown];
        } catch {
          return []; // a block with alternatives
        }
      });
      return permissions(z.object({ rules: Rules }).parse(blocks.find(isRole)).rules);
    };
    const hasRules = (value: unknown): boolean => z.looseObject({ rules: Rules }).safeParse(value).success;

    test('are none if nothing of this cluster is configured', async () => {
      for (const values of [
        inCatalogue({ deployer: { kind: 'http', url: 'https://cd.example.com' } }),
        inCatalogue({ deployer: { kind: 'kubernetes', url: 'https://k8s.example.com' } }),
        {
          ...inCatalogue({ deployer: { kind: 'kubernetes' } }),
          environment: { KUBERNETES_URL: 'https://k8s.example.com' },
        },
        { ...inCatalogue({ deployer: { kind: 'kubernetes' } }), rbac: { create: false } },
      ]) {
        const objects = await rendered(values);
        expect(objects.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'ConfigMap', 'Service', 'StatefulSet']);
      }
    });

    test('are those that the documentation lists, for everything that uses this cluster', async () => {
      const { shop = [], edge = [], chaos = [], debug = [], ...more } = access(complete);
      const { 'flux-system': flux = [], firebreak: own = [] } = more;
      expect([...shop, ...flux, ...own].toSorted()).toEqual(
        [
          ...(await documented('docs/how-to/kubernetes.md', hasRules)),
          ...(await documented('docs/how-to/freeze-gates.md', hasRules)),
        ].toSorted(),
      );
      expect(edge).toEqual(await documented('docs/reference/traffic-routers.md', hasRules));
      expect(chaos).toEqual([
        'litmuschaos.io/chaosengines get',
        'litmuschaos.io/chaosengines list',
        'litmuschaos.io/chaosengines patch',
        'litmuschaos.io/chaosresults list',
      ]);
      expect(debug).toEqual(['/pods get']);
    });

    test.each<[string, object, Record<string, string[]>]>([
      [
        'a Deployment without a namespace',
        { deployer: { kind: 'kubernetes' } },
        {
          default: [
            '/events list',
            '/pods list',
            'apps/deployments get',
            'apps/deployments patch',
            'apps/replicasets list',
            'autoscaling/horizontalpodautoscalers list',
          ],
        },
      ],
      [
        'a canary of Flagger',
        { deployer: { kind: 'flagger', namespace: 'shop' } },
        {
          shop: ['apps/deployments get', 'apps/deployments patch', 'apps/replicasets list', 'flagger.app/canaries get'],
        },
      ],
      [
        'image automation of Flux beside another deployer',
        { deployer: { kind: 'github', via: 'revert' }, imageAutomation: { kind: 'flux', name: 'apps' } },
        {
          'flux-system': [
            'image.toolkit.fluxcd.io/imageupdateautomations get',
            'image.toolkit.fluxcd.io/imageupdateautomations patch',
          ],
        },
      ],
      [
        'gates of freezes',
        {
          freezeGates: {
            flux: [{ kind: 'Kustomization', name: 'shop' }],
            workloads: [{ kind: 'StatefulSet', namespace: 'shop', name: 'checkout' }],
          },
        },
        {
          'flux-system': [
            'kustomize.toolkit.fluxcd.io/kustomizations get',
            'kustomize.toolkit.fluxcd.io/kustomizations patch',
          ],
          firebreak: ['/configmaps get', '/configmaps patch'],
        },
      ],
      [
        'shares of regions',
        { reroute: { clusters: { kind: 'gateway-api', namespace: 'edge', targets: {} } } },
        { edge: ['gateway.networking.k8s.io/httproutes get', 'gateway.networking.k8s.io/httproutes patch'] },
      ],
    ])('for %s', async (_, environment, expected) => {
      const values = inCatalogue(environment);
      expect(access(await rendered(values))).toEqual(expected);
    });

    test('are the same for a catalogue that is given as text', async () => {
      const { config } = inCatalogue({ deployer: { kind: 'kubernetes' } });
      const asText = { config: { services: JSON.stringify(config.services) } };
      expect(access(await rendered(asText))).toEqual(access(await rendered({ config })));
      expect(Object.keys(access(await rendered(asText)))).toEqual(['default']);
    });
  });

  describe('the policy for freezes', () => {
    const ofPolicy = (objects: readonly KubernetesObject[]) =>
      objects.filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'));

    test('is not there by default', () => {
      expect(ofPolicy(byDefault)).toEqual([]);
    });

    test('fails open, and reads the parameters that Firebreak may write', () => {
      const objects = complete;
      const [policy, binding] = ofPolicy(objects);
      expect(policy).toMatchObject({ spec: { failurePolicy: 'Ignore', paramKind: { kind: 'ConfigMap' } } });
      expect(binding).toMatchObject({
        spec: {
          policyName: policy?.metadata.name,
          paramRef: { name: 'firebreak-freezes', namespace: 'firebreak', parameterNotFoundAction: 'Allow' },
          validationActions: ['Deny'],
        },
      });
      const parameters = objects.find(
        ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'firebreak-freezes',
      );
      expect(parameters).toMatchObject({ metadata: { namespace: 'firebreak' } });
      expect(parameters).not.toHaveProperty('data'); // Helm would set it back
      const role = objects.find(({ kind, metadata }) => kind === 'Role' && metadata.namespace === 'firebreak');
      expect(role).toMatchObject({ rules: [{ resources: ['configmaps'], resourceNames: ['firebreak-freezes'] }] });
    });

    test.each(['Warn'])('only acts as %s', async (admissionPolicy) => {
      expect(ofPolicy(await rendered({ admissionPolicy })).at(-1)).toMatchObject({
        spec: { validationActions: [admissionPolicy] },
      });
    });
  });

  describe('refuses', () => {
    const refusal = async (values: object): Promise<string> =>
      rendered(values).then(
        () => 'accepted',
        (error: unknown) => String(error),
      );

    test.each<[string, object, string]>([
      ['an unknown key', { replicas: 2 }, "additional properties 'replicas' not allowed"],
      [
        'a secret among the values',
        { environment: { SLACK_BOT_TOKEN: 'xoxb' } },
        "invalid propertyName 'SLACK_BOT_TOKEN'",
      ],
      [
        'a variable that the chart sets',
        { environment: { FIREBREAK_DATA_DIR: '/data' } },
        "invalid propertyName 'FIREBREAK_DATA_DIR'",
      ],
      ['a number as a variable', { environment: { FIREBREAK_TIME_SCALE: 60 } }, 'got number, want string'],
      ['an unknown action of the policy for freezes', { admissionPolicy: 'Refuse' }, 'admissionPolicy'],
      ['an unknown configuration file', { config: { service: {} } }, "additional properties 'service' not allowed"],
      [
        'a configuration file whose text is no YAML, which would lose all permissions',
        { config: { services: 'services: [' } },
        'config.services: error converting YAML',
      ],
      [
        'a configuration file whose text is a list',
        { config: { paging: '- shadow' } },
        'config.paging: error unmarshaling JSON',
      ],
      ['a policy that lets everyone in', { networkPolicy: { from: [] } }, 'minItems'],
      [
        'a shared volume',
        { persistence: { accessMode: 'ReadWriteMany' } },
        "must be one of 'ReadWriteOnce', 'ReadWriteOncePod'",
      ],
    ])('%s', async (_, values, message) => {
      expect(await refusal(values)).toContain(message);
    });

    test('every variable that is secret, and accepts every configuration file', async () => {
      const schema = JSON.parse(await text('deploy/chart/values.schema.json')) as {
        properties: {
          config: { properties: object };
          environment: { propertyNames: { allOf: { not?: { enum: string[] } }[] } };
        };
      };
      const refused = schema.properties.environment.propertyNames.allOf.flatMap(({ not }) => not?.enum ?? []);
      const secrets = Object.entries(VARIABLES).filter(([, variable]) => 'secret' in variable && variable.secret);
      expect(refused).toEqual(expect.arrayContaining(secrets.map(([name]) => name)));
      const files = Object.keys(schema.properties.config.properties).map((name) => `${name}.yaml`);
      expect(files).toEqual(expect.arrayContaining(CONFIG_FILES));
    });
  });

  describe('the plain manifests', () => {
    test('are what the chart renders; npm run deploy:manifests writes them', async () => {
      for (const [name, manifest] of Object.entries(await kubernetesManifests()))
        expect(await text(`deploy/kubernetes/${name}`)).toBe(manifest);
    });

    test('are built by kustomize, with the published schemas', async () => {
      const objects = objectsIn(await kubectl('kustomize', 'deploy/kubernetes'));
      expect(objects.map(({ kind }) => kind).toSorted()).toEqual([
        'ConfigMap',
        'Namespace',
        'Service',
        'ServiceAccount',
        'StatefulSet',
      ]);
      expect(await schemaProblems(objects)).toEqual([]);
    });

    test('include the policy for freezes, with the published schemas', async () => {
      const objects = objectsIn(await text('deploy/kubernetes/freeze-policy.yaml'));
      expect(objects.map(({ kind }) => kind)).toEqual([
        'ConfigMap',
        'ValidatingAdmissionPolicy',
        'ValidatingAdmissionPolicyBinding',
      ]);
      expect(await schemaProblems(objects)).toEqual([]);
    });
  });

  test('a kustomization like that of the documentation sets the image and the configuration', async () => {
    const page = await text('docs/how-to/kubernetes-install.md');
    const kustomization = /```yaml\n(apiVersion: kustomize[^]*?)```/.exec(page)?.[1] ?? '';
    const own = join(folder, 'kustomization');
    await mkdir(own);
    const manifests = relative(own, join(ROOT, 'deploy/kubernetes'));
    await writeFile(
      join(own, 'kustomization.yaml'),
      kustomization.replace('../firebreak/deploy/kubernetes', () => manifests),
    );
    await writeFile(join(own, 'services.yaml'), 'services: { checkout: {} }\n');
    await writeFile(join(own, 'paging.yaml'), 'shadow: {}\n');

    const objects = objectsIn(await kubectl('kustomize', own));
    expect(podOf(objects).container.image).toMatch(/^registry\.example\.com\/firebreak:/);
    const root = join(folder, 'of-kustomization');
    await layOut(objects, root, '..2026_01');
    const configDir = join(root, '/etc/firebreak/config');
    expect(await loadSet({ configDir, runbooksDir: join(ROOT, 'runbooks') })).toMatchObject({
      ok: true,
      config: { services: { checkout: {} }, paging: { shadow: {} } },
    });
  });

  test('the schemas find wrong values and unknown fields', async () => {
    const [service] = byDefault.filter(({ kind }) => kind === 'Service');
    expect(await schemaProblems([{ ...service, spec: { ports: [{ port: 'http' }] } } as KubernetesObject])).not.toEqual(
      [],
    );
    const unknown = await schemaProblems([{ ...service, spec: { port: 80 } } as KubernetesObject]);
    expect(unknown.join()).toContain(`'"port"' does not exist`);
  });
});
