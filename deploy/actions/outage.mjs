/**
 * Stores signed answers, and decides with them while Firebreak is unreachable. Settings are the environment variables in
 * action.yml. Runs with Node 20 and without packages.
 *
 *   node outage.mjs keys                 exits with 0 if the setting `keys` is usable
 *   node outage.mjs keep ANSWER JWKS     two files; exits with 0 if the state in the answer was stored
 *   node outage.mjs decide               prints {allowed, because, by, evaluated_at}
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { argv, cwd, env, exit, stderr, stdout } from 'node:process';
import { decideOffline, readStoredState } from '../../entrances/cli/offline/decide.mjs';
import { jsonIn, objectIn, publicKeysIn, trustedBy } from '../../entrances/cli/offline/keys.mjs';
import { readState } from '../../entrances/cli/offline/signed-state.mjs';
import { storeAnswer } from '../../entrances/cli/offline/state-file.mjs';

/** @param {string} name @returns {string | undefined} undefined: not set, or empty */
const setting = (name) => env[name] || undefined;

/** @param {string} name */
const required = (name) => {
  const value = setting(name);
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

const trusted = () => trustedBy(required('KEYS'), cwd());
const file = () => resolve(cwd(), required('STATE'));
const scope = () => ({
  server: required('FIREBREAK_URL'),
  service: required('SERVICE'),
  environment: required('ENVIRONMENT'),
});

/** @param {string} path */
const json = (path) => jsonIn(readFileSync(path, 'utf8'));

/** @param {string} answer @param {string} jwks */
async function storeSignedAnswer(answer, jwks) {
  const { signed_state: state } = objectIn(json(answer));
  if (typeof state !== 'string') throw new Error('the answer is not signed: this Firebreak has no signing key');
  const keys = publicKeysIn(json(jwks));
  const read = readState(state, keys, trusted());
  if (!read.ok) throw new Error(read.problem);
  await storeAnswer(file(), { ...scope(), state, keys });
}

/** Decides offline. A deploy may be a rollback to a known good version, as in the online check, unless another kind of change is set. */
async function decide() {
  const change = setting('CHANGE');
  const isRollback = change === undefined || change === 'deploy' || change === 'rollback';
  const request = { version: setting('VERSION'), commit: setting('COMMIT'), change, isRollback };
  const onOutage = setting('ON_OUTAGE') === 'allow' ? 'allow' : 'deny';
  const decision = decideOffline(request, await readStoredState(file(), scope(), trusted()), onOutage, new Date());
  stdout.write(`${JSON.stringify(decision)}\n`);
}

try {
  const [, , command, answer = '', jwks = ''] = argv;
  if (command === 'keys') trusted();
  else if (command === 'keep') await storeSignedAnswer(answer, jwks);
  else if (command === 'decide') await decide();
  else throw new Error('usage: node outage.mjs keys | keep ANSWER JWKS | decide');
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
}
