import { run } from '../../local/run.ts';

// Loaded only with FIREBREAK_SANDBOX=on.
await run(async (options) => (await import('./connect.ts')).startSandbox(options));
