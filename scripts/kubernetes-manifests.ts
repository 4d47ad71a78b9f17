/**
 * Writes the plain manifests of deploy/kubernetes from the chart:
 *   npm run deploy:manifests
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { helm } from './kubernetes/tools.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'deploy/kubernetes');

/** The values that differ from the defaults, and the templates, of each file. */
const FILES: Readonly<Record<string, { set: string[]; only: string[] }>> = {
  'firebreak.yaml': { set: [], only: [] },
  'network-policy.yaml': { set: ['networkPolicy.enabled=true'], only: ['networkpolicy'] },
  'freeze-policy.yaml': { set: ['admissionPolicy=Deny'], only: ['freeze-policy'] },
  'monitoring.yaml': { set: ['monitoring.enabled=true'], only: ['monitoring'] },
};

/** Returns the text of each generated file of deploy/kubernetes, by name. */
export async function kubernetesManifests(): Promise<Record<string, string>> {
  const files = Object.entries(FILES).map(async ([name, { set, only }]): Promise<[string, string]> => {
    const values = set.flatMap((value) => ['--set', value]);
    const templates = only.flatMap((template) => ['--show-only', `templates/${template}.yaml`]);
    const chart = ['firebreak', 'deploy/chart', '--namespace', 'firebreak'];
    const rendered = await helm('template', ...chart, ...values, ...templates);
    return [name, `# Generated from deploy/chart: npm run deploy:manifests\n${withoutHelm(rendered)}`];
  });
  return Object.fromEntries(await Promise.all(files));
}

/** Removes what says that Helm manages the objects. */
const withoutHelm = (rendered: string): string =>
  rendered.replaceAll(/^(# Source: .*| +helm\.sh\/chart: .*| +app\.kubernetes\.io\/managed-by: .*)\n/gm, '');

if (process.argv[1] === import.meta.filename)
  for (const [name, text] of Object.entries(await kubernetesManifests())) await writeFile(join(FOLDER, name), text);
