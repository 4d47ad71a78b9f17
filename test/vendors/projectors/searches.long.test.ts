/** The searches of the projectors again, with more cases of the seed of this run, and with each point of an interruption. */
process.env['RUNS'] ??= '150';

await import('../slack/projector/slack.test.ts');
await import('../grafana/projector/grafana.test.ts');
await import('../../core/projection/tickets.test.ts');
await import('./notices.test.ts');
await import('./slack-cases.test.ts');
