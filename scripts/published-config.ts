/**
 * `npm run --silent config:export`: validates `config/` and `runbooks/` as `npm start` does, and prints the JSON that the
 * functions on AWS read. See docs/how-to/aws.md
 */
import { loadSet } from '../local/config/config-set.ts';

const loaded = await loadSet({ configDir: 'config', runbooksDir: 'runbooks' });
if (loaded.ok) process.stdout.write(JSON.stringify({ config: loaded.config, problems: [] }));
else {
  console.error(loaded.problems.join('\n'));
  process.exitCode = 1;
}
