import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import * as z from 'zod';
import { helm } from '../../scripts/kubernetes/tools.ts';

/** A Kubernetes object, of which only what every kind has is known. */
export const KubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type KubernetesObject = z.infer<typeof KubernetesObject>;

export const objectsIn = (text: string): KubernetesObject[] =>
  parseAllDocuments(text).map((document) => KubernetesObject.parse(document.toJS()));

/** Renders the chart by Helm. @throws with Helm's messages if it refuses the values */
export async function rendered(...values: (string | object)[]): Promise<KubernetesObject[]> {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-values-'));
  try {
    const files = values.map(async (each, index) => {
      if (typeof each === 'string') return each;
      const file = join(folder, `${index}.yaml`);
      await writeFile(file, stringify(each));
      return file;
    });
    const options = (await Promise.all(files)).flatMap((file) => ['--values', file]);
    return objectsIn(await helm('template', 'firebreak', 'deploy/chart', '--namespace', 'firebreak', ...options));
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const Rules = z.array(
  z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
);
const Role = z.looseObject({ kind: z.literal('Role'), rules: Rules });

/** Returns each permission as `group/resource verb`. */
export const permissions = (rules: z.infer<typeof Rules>): string[] =>
  [
    ...new Set(
      rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`)),
        ),
      ),
    ),
  ].toSorted();

/** Returns the permissions in each namespace. */
export const access = (objects: readonly KubernetesObject[]): Record<string, string[]> =>
  Object.fromEntries(
    objects
      .filter(({ kind }) => kind === 'Role')
      .map((role) => [role.metadata.namespace ?? '', permissions(Role.parse(role).rules)]),
  );

/** Returns values with one service in one environment. */
export const inCatalogue = (environment: object) => ({
  config: { services: { services: { checkout: { environments: { production: environment } } } } },
});

const Named = z.looseObject({ name: z.string() });
const Source = z.object({
  name: z.string(),
  items: z.array(z.object({ key: z.string(), path: z.string() })).optional(),
});
const Volume = Named.extend({
  configMap: Source.optional(),
  projected: z.object({ sources: z.array(z.object({ configMap: Source })) }).optional(),
});
const Container = z.looseObject({
  image: z.string(),
  env: z.array(Named.extend({ value: z.string().optional() })),
  volumeMounts: z.array(Named.extend({ mountPath: z.string() })),
});
const StatefulSet = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({ containers: z.tuple([Container]), volumes: z.array(Volume) }),
    }),
  }),
});
const ConfigMap = z.looseObject({ data: z.record(z.string(), z.string()) });

/** Returns the only container and the volumes of the StatefulSet. */
export function podOf(objects: readonly KubernetesObject[]): {
  container: z.infer<typeof Container>;
  volumes: z.infer<typeof Volume>[];
} {
  const { containers, volumes } = StatefulSet.parse(objects.find(({ kind }) => kind === 'StatefulSet')).spec.template
    .spec;
  return { container: containers[0], volumes };
}

/** Returns the variables that the chart sets to a value. */
export const variablesOf = (objects: readonly KubernetesObject[]): Record<string, string> =>
  Object.fromEntries(
    podOf(objects).container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );

/**
 * Lays out the volumes with ConfigMaps as the kubelet does: each file is a link to one in a hidden folder, which is
 * replaced as a whole when the ConfigMap changes.
 *
 * @param version name of the hidden folder
 */
export async function layOut(objects: readonly KubernetesObject[], root: string, version: string): Promise<void> {
  const { container, volumes } = podOf(objects);
  for (const { name, mountPath } of container.volumeMounts) {
    const { configMap, projected } = volumes.find((volume) => volume.name === name) ?? {};
    const sources = configMap ? [configMap] : (projected?.sources.map((source) => source.configMap) ?? []);
    const files = sources.flatMap((source) => filesOf(objects, source));
    const folder = join(root, mountPath);
    for (const { path, text } of files) {
      const file = join(folder, version, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    if (files.length === 0) continue;
    await link(folder, '..data', version);
    for (const top of new Set(files.map(({ path }) => path.split('/', 1)[0] ?? '')))
      await link(folder, top, join('..data', top));
  }
}

/** Returns the files in a volume from a ConfigMap; none if it is not one of these objects. */
function filesOf(objects: readonly KubernetesObject[], { name, items }: z.infer<typeof Source>) {
  const found = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
  if (found === undefined) return [];
  const { data } = ConfigMap.parse(found);
  const paths = items ?? Object.keys(data).map((key) => ({ key, path: key }));
  return paths.map(({ key, path }) => ({ path, text: data[key] ?? '' }));
}

/** Creates a link, or replaces it at once. */
async function link(folder: string, name: string, target: string): Promise<void> {
  await symlink(target, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, name));
}
