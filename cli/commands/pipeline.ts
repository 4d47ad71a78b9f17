import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import * as z from 'zod';
import { Client, queryOf } from '../client.ts';
import { JSON_OPTION } from '../options.ts';
import { asJson, oneLine } from '../table.ts';
import { CommandFailure, type CommandContext, UsageError } from '../command-context.ts';

const Uploaded = z.object({
  service: z.string(),
  suite: z.string(),
  passed: z.number(),
  failed: z.number(),
  skipped: z.number(),
  flaky_count: z.number(),
  flaky: z.array(z.object({ classname: z.string(), name: z.string() })),
});

type Options = {
  service?: string;
  repository?: string;
  pipeline?: string;
  commit: string;
  branch?: string;
  run: string;
  attempt?: string;
  suite?: string;
  json?: true;
};

/** Adds commands that pipelines use. */
export function addPipeline(program: Command, context: CommandContext): void {
  const pipeline = program.command('pipeline').description('Report test results of pipelines');
  pipeline
    .command('tests')
    .description('Upload test results as JUnit XML, and print the tests that they show to be flaky')
    .argument('<file...>')
    .requiredOption('--commit <sha>', 'Tested commit')
    .requiredOption('--run <id>', 'ID of the run that executed the tests')
    .option('--service <name>', 'Service (default: the service of the repository)')
    .option('--repository <name>', 'Repository, such as acme/checkout')
    .option('--pipeline <name>', 'Pipeline, if several services share the repository')
    .option('--attempt <number>', 'Attempt of the run (default: 1)')
    .option('--branch <name>', 'Branch')
    .option('--suite <name>', 'Name of the tests; each operating system needs its own (default: tests)')
    .option(...JSON_OPTION)
    .action((files: string[], options: Options) => upload(context, files, options));
}

async function upload(context: CommandContext, files: readonly string[], options: Options): Promise<void> {
  const { json, run, ...query } = options;
  if (query.service === undefined && query.repository === undefined)
    throw new UsageError('name the service or the repository: --service NAME or --repository OWNER/NAME');
  const client = await Client.of(context);
  const path = `/v1/pipelines/tests${queryOf({ ...query, run_id: run })}`;
  const all: z.infer<typeof Uploaded>[] = [];
  for (const file of files) all.push(await client.upload(path, gzipSync(await contentOf(context, file)), Uploaded));
  if (json) return context.out(asJson(all));
  for (const [n, { suite, passed, failed, skipped, flaky_count, flaky }] of all.entries()) {
    const counts = `${passed} passed, ${failed} failed, ${skipped} skipped, ${flaky_count} newly flaky`;
    context.out(oneLine(`${files[n]} (${suite}): ${counts}`));
    for (const { classname, name } of flaky) context.out(oneLine(`  flaky: ${[classname, name].join(' ').trim()}`));
  }
}

async function contentOf({ cwd }: CommandContext, file: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(cwd, file));
  } catch (error) {
    throw new CommandFailure(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
