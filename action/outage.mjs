/**
 * What the action needs for the time in which Firebreak cannot be reached: it keeps what was signed, and decides by it.
 * Its settings are the environment variables of action.yml. Node 20 is enough, and no package is needed.
 *
 *   node outage.mjs keys                 ends with 0 when `keys` can be used
 *   node outage.mjs keep ANSWER JWKS     two files; ends with 0 when the state in the answer is kept
 *   node outage.mjs decide               prints {allowed, because, by, evaluated_at}
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { argv, cwd, env, exit, stderr, stdout } from 'node:process';
import { decideAlone, recall } from '../cli/offline/decide.mjs';
import { jsonIn, objectIn, publicKeysIn, trustedBy } from '../cli/offline/keys.mjs';
import { readState } from '../cli/offline/signed-state.mjs';
import { keep } from '../cli/offline/state-file.mjs';

/** @param {string} name @returns {string | undefined} undefined: it is not told, or empty */
const setting = (name) => env[name] || undefined;

/** @param {string} name */
const required = (name) => {
  const value = setting(name);
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

const trusted = () => trustedBy(required('KEYS'), cwd());
const file = () => resolve(cwd(), required('STATE'));
const place = () => ({
  server: required('FIREBREAK_URL'),
  service: required('SERVICE'),
  environment: required('ENVIRONMENT'),
});

/** @param {string} path */
const json = (path) => jsonIn(readFileSync(path, 'utf8'));

/** @param {string} answer @param {string} jwks */
async function keepWhatIsIn(answer, jwks) {
  const { signed_state: state } = objectIn(json(answer));
  if (typeof state !== 'string') throw new Error('Firebreak has no key, so it has signed nothing');
  const keys = publicKeysIn(json(jwks));
  const read = readState(state, keys, trusted());
  if (!read.ok) throw new Error(read.problem);
  await keep(file(), { ...place(), state, keys });
}

/** As the gate does: what is deployed says whether it is a rollback, where it is not told to be something else. */
async function decide() {
  const change = setting('CHANGE');
  const isRollback = change === undefined || change === 'deploy' || change === 'rollback';
  const asked = { version: setting('VERSION'), commit: setting('COMMIT'), change, isRollback };
  const onOutage = setting('ON_OUTAGE') === 'allow' ? 'allow' : 'deny';
  const decision = decideAlone(asked, await recall(file(), place(), trusted()), onOutage, new Date());
  stdout.write(`${JSON.stringify(decision)}\n`);
}

try {
  const [, , command, answer = '', jwks = ''] = argv;
  if (command === 'keys') trusted();
  else if (command === 'keep') await keepWhatIsIn(answer, jwks);
  else if (command === 'decide') await decide();
  else throw new Error('keys, keep or decide is wanted');
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
}
