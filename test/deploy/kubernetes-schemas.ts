import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { ROOT } from './containerfile.ts';
import type { KubernetesObject } from './chart.ts';

/** Packages whose authors generate them from custom resource definitions, by API group or kind. Absent: Kubernetes itself. */
const PACKAGES: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  Application: '@kubernetes-models/argo-cd',
  Rollout: '@kubernetes-models/argo-rollouts',
};

const moduleOf = ({ apiVersion, kind }: KubernetesObject): string =>
  `${PACKAGES[apiVersion.split('/')[0] ?? ''] ?? PACKAGES[kind] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;

type Model = new (data: KubernetesObject) => { validate(): void };

/** Returns what the published schemas refuse, and fields that they do not know. */
export async function schemaProblems(objects: readonly KubernetesObject[]): Promise<string[]> {
  const invalid = objects.map(async (object) => {
    const { [object.kind]: Kind } = (await import(moduleOf(object))) as Record<string, Model>;
    if (Kind === undefined) return [`${moduleOf(object)} has no such kind`];
    try {
      new Kind(object).validate();
      return [];
    } catch (error) {
      return [`${object.kind} ${object.metadata.name}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
  return [...(await Promise.all(invalid)).flat(), ...(await unknownFields(objects))];
}

/**
 * Returns the fields that a kind does not have. The schemas allow them, as the API server does, which drops them. The
 * types of the same package do not.
 */
async function unknownFields(objects: readonly KubernetesObject[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-objects-'));
  try {
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    const lines = objects.map(
      (object, index) =>
        `import type { I${object.kind} as Kind${index} } from '${moduleOf(object)}';\n` +
        `export const object${index}: Kind${index} = ${JSON.stringify(object)};\n`,
    );
    await writeFile(join(folder, 'objects.ts'), lines.join(''));
    const options = '--noEmit --strict --skipLibCheck --module nodenext --target es2023 --types --pretty false'.split(
      ' ',
    );
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [compiler, ...options, 'objects.ts'], { cwd: folder });
    return [];
  } catch (error) {
    const { stdout } = z.object({ stdout: z.string() }).parse(error);
    return stdout.split('\n').filter((line) => line !== '');
  } finally {
    await rm(folder, { recursive: true });
  }
}
