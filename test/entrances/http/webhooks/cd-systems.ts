import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { publicKeysIn, thumbprintsOf } from '../../../../entrances/cli/offline/keys.mjs';
import type { Firebreak } from '../../../support/firebreak.ts';

const ROOT = join(import.meta.dirname, '../../../..');

/** The service and environment of the examples. */
export const PLACE = { service: 'checkout', environment: 'production' };

export type Deployment = {
  /** A commit hash, which CI systems use as the version. */
  version: string;
  /** The same in each retry. */
  id: string;
};

/** Whether a CD system continues, and what it shows. */
export type Outcome = { goesOn: boolean; said: string };

/** A CD system that runs the example files of this repository. */
export type CdSystem = {
  name: string;
  /** Distinguishes deployments of the same version. */
  knowsDeployments: boolean;
  deploy(deployment: Deployment): Promise<Outcome>;
};

export type Access = { firebreak: Firebreak; token: string; key: string };

const example = (name: string): Promise<string> => readFile(join(ROOT, 'examples/freeze-check', name), 'utf8');
const documents = (text: string): any[] => parseAllDocuments(text).map((each) => each.toJS());

/** Runs a script like a CI job, with this machine's tools but without its environment. */
async function run(command: string[], env: Record<string, string>): Promise<Outcome> {
  const [program = 'sh', ...args] = command;
  const cwd = await mkdtemp(join(tmpdir(), 'firebreak-job-'));
  try {
    const child = spawn(program, args, { env: { PATH: process.env['PATH'] ?? '', TMPDIR: cwd, ...env }, cwd });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = await once(child, 'close');
    return { goesOn: code === 0, said };
  } finally {
    await rm(cwd, { recursive: true });
  }
}

const settings = ({ firebreak, token }: Access) => ({
  FIREBREAK_URL: firebreak.url,
  FIREBREAK_TOKEN: token,
  SERVICE: PLACE.service,
  ENVIRONMENT: PLACE.environment,
});

const curl = (access: Access): CdSystem => ({
  name: 'curl -f',
  knowsDeployments: true,
  deploy: ({ version, id }) =>
    run(['sh', join(ROOT, 'examples/freeze-check/curl.sh')], {
      ...settings(access),
      VERSION: version,
      DEPLOYMENT_ID: id,
    }),
});

/** Returns the job's scripts, combined as a GitLab runner does. */
const gitlab = (access: Access): CdSystem => ({
  name: 'GitLab',
  knowsDeployments: true,
  async deploy({ version, id }) {
    const [file] = documents(await example('gitlab-ci.yml'));
    const { script, variables } = file['freeze-check'];
    const env = { ...settings(access), ...variables, CI_COMMIT_SHA: version, CI_PROJECT_ID: '7', CI_PIPELINE_ID: id };
    return run(['sh', '-e', '-c', script.join('\n')], env);
  },
});

const jenkins = (access: Access): CdSystem => ({
  name: 'Jenkins',
  knowsDeployments: true,
  async deploy({ version, id }) {
    // A triple-quoted text has escapes: a backslash at the end of a line joins the lines.
    const script = /sh '''\n([\s\S]*?)'''/.exec(await example('Jenkinsfile'))?.[1]?.replaceAll('\\\n', '') ?? 'false';
    return run(['sh', '-xe', '-c', script], { ...settings(access), GIT_COMMIT: version, BUILD_TAG: id });
  },
});

/** The steps of the composite action, with expressions of inputs and of `github`. */
const action = (access: Access): CdSystem => ({
  name: 'the GitHub action',
  knowsDeployments: true,
  async deploy({ version, id }) {
    const [file] = documents(await readFile(join(ROOT, 'deploy/actions/action.yml'), 'utf8'));
    const [{ steps }] = documents(await example('github-workflow.yml')).map(({ jobs }) => jobs.production);
    const used = steps.find(({ uses }: any) => uses?.includes('firebreak/deploy/actions@'));
    const jwks = await (await fetch(`${access.firebreak.url}/.well-known/jwks.json`)).json();
    const known: Record<string, string> = {
      'vars.FIREBREAK_KEYS': [...thumbprintsOf(publicKeysIn(jwks))].join(','),
      'vars.FIREBREAK_URL': access.firebreak.url,
      'secrets.FIREBREAK_TOKEN': access.token,
      'github.sha': version,
      'github.repository': 'acme/checkout',
      'github.run_id': id,
    };
    const filled = (text: string) =>
      text.replaceAll(/\$\{\{ ([\w.-]+) \}\}/g, (_, name: string) => {
        if (known[name] === undefined) throw new Error(`unknown name ${name}`);
        return known[name];
      });
    for (const [name, input] of Object.entries<any>(file.inputs))
      known[`inputs.${name}`] = filled(used.with[name] ?? input.default);
    const [step] = file.runs.steps;
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-action-'));
    const env = Object.fromEntries(Object.entries<string>(step.env).map(([name, text]) => [name, filled(text)]));
    const runner = {
      GITHUB_ACTION_PATH: join(ROOT, 'deploy/actions'),
      GITHUB_OUTPUT: join(folder, 'output'),
    };
    try {
      const outcome = await run(['bash', '-e', '-o', 'pipefail', '-c', step.run], { ...env, ...runner });
      return { ...outcome, said: `${outcome.said}\n${await readFile(runner.GITHUB_OUTPUT, 'utf8')}` };
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

/** The command of the hook's container. */
const argoCd = (access: Access): CdSystem => ({
  name: 'Argo CD',
  knowsDeployments: false,
  async deploy({ version }) {
    const [{ spec }] = documents(await example('argo-cd-presync.yaml'));
    const [container] = spec.template.spec.containers;
    const env = Object.fromEntries(container.env.map(({ name, value }: any) => [name, value ?? '']));
    expectNames(Object.keys(env), [...Object.keys(settings(access)), 'VERSION']);
    return run([...container.command, ...container.args], { ...env, ...settings(access), VERSION: version });
  },
});

function expectNames(there: string[], wanted: string[]): void {
  const missing = wanted.filter((name) => !there.includes(name));
  if (missing.length > 0) throw new Error(`the container has no ${missing.join(', ')}`);
}

/** Runs one measurement of the web metric. */
const argoRollouts = (access: Access): CdSystem => ({
  name: 'Argo Rollouts',
  knowsDeployments: false,
  async deploy({ version }) {
    const [template] = documents(await example('argo-rollouts-analysis.yaml'));
    const [{ provider, successCondition, failureLimit }] = template.spec.metrics;
    const args: Record<string, string> = { ...PLACE, version, token: access.token };
    const filled = (text: string) => text.replaceAll(/\{\{args\.(\w+)\}\}/g, (_, name: string) => args[name] ?? '');
    const { method, url, headers, jsonPath } = provider.web;
    const answer = await fetch(moved(filled(url), access), {
      method,
      headers: headers.map(({ key, value }: any) => [key, filled(value)]),
    });
    const body = (await answer.json()) as any;
    if (answer.status !== 200 || jsonPath !== '{$.data}' || successCondition !== 'result.ok' || failureLimit !== 0)
      throw new Error(`no measurement: ${answer.status} ${JSON.stringify(body)}`);
    return { goesOn: body.data.ok === true, said: body.data.reasons.join('; ') };
  },
});

/** Asks both gates of the canary, which needs both. */
const flagger = (access: Access): CdSystem => ({
  name: 'Flagger',
  knowsDeployments: true,
  async deploy({ version, id }) {
    const [{ metadata: canary, spec }] = documents(await example('flagger-canary.yaml'));
    const checksum = createHash('sha256').update(`${version} ${id}`).digest('hex').slice(0, 10);
    const gates = spec.analysis.webhooks.filter(({ type }: any) => type.startsWith('confirm-'));
    let said = '';
    for (const { type, url, metadata } of gates) {
      const phase = type === 'confirm-promotion' ? 'WaitingPromotion' : 'Progressing';
      const body = { ...canary, phase, checksum, metadata: { ...metadata, version } };
      const headers = { 'content-type': 'application/json' };
      const address = moved(url.replace('KEY', access.key), access);
      const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
      said += await answer.text();
      if (!answer.ok) return { goesOn: false, said };
    }
    return { goesOn: gates.length === 2, said };
  },
});

const moved = (url: string, { firebreak }: Access): string =>
  url.replace('https://firebreak.example.com', firebreak.url);

export const cdSystems = [curl, gitlab, jenkins, action, argoCd, argoRollouts, flagger];
