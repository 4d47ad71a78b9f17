/** The searches of the projectors again, with more cases of the seed of this run, and with each point of an interruption. */
process.env['RUNS'] ??= '150';

await import('./maintenance.test.ts');
await import('./status.test.ts');
await import('./statuspage.test.ts');
await import('./statuspage-cases.test.ts');
await import('./subscribers.test.ts');
