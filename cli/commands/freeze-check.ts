import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CheckAnswer, CheckedChange } from '../../schemas/freeze-check.ts';
import { Client, NoAnswer, Refused, queryOf } from '../client.ts';
import { recall, remember, type Remembered, stateFile } from '../last-state.ts';
import { JSON_OPTION } from '../options.ts';
import { asJson, oneLine, shortTime } from '../table.ts';
import { Misused, No, type World } from '../world.ts';

type Options = {
  version?: string;
  service?: string;
  environment?: string;
  commit?: string;
  deploymentId?: string;
  change?: CheckedChange;
  identityToken?: string;
  look?: true;
  onOutage: 'allow' | 'deny';
  state?: string;
  json?: true;
};

const Keys = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

export function addFreezeCheck(freeze: Command, world: World): void {
  freeze
    .command('check')
    .description('may this be deployed: 0 yes, 1 no')
    .argument('[service]')
    .argument('[environment]')
    .option('--service <name>', 'the same as the first argument')
    .option('--environment <name>', 'the same as the second argument')
    .option('--version <version>', 'what is deployed')
    .option('--commit <sha>')
    .option('--deployment-id <id>', 'the same in each retry; with it an override is used, and a token given')
    .addOption(new Option('--change <kind>', 'what it is (default: deploy)').choices(CheckedChange.options))
    .option('--identity-token <token>', 'OpenID Connect, of the CI system (or FIREBREAK_IDENTITY_TOKEN)')
    .option('--look', 'ask without using an override')
    .addOption(
      new Option('--on-outage <answer>', 'where Firebreak cannot be reached and has never been')
        .choices(['allow', 'deny'])
        .default('deny'),
    )
    .option('--state <file>', 'where what it said last is kept (default: in the cache of the user)')
    .option(...JSON_OPTION)
    .action((service: string | undefined, environment: string | undefined, options: Options) =>
      check(world, placeOf(service ?? options.service, environment ?? options.environment), options),
    );
}

type Place = { service: string; environment: string };

function placeOf(service: string | undefined, environment: string | undefined): Place {
  if (service === undefined || environment === undefined)
    throw new Misused('say what is deployed where: firebreak freeze check checkout production');
  return { service, environment };
}

async function check(world: World, place: Place, options: Options): Promise<void> {
  const client = await Client.of(world);
  const file = stateFile(world, client.url, place, options.state);
  try {
    const answer = await ask(client, world, place, options);
    await keep(world, client, file, answer);
    tell(world, answer, options);
  } catch (error) {
    if (!isOutage(error)) throw error;
    world.err(error.message);
    withoutFirebreak(world, place, options, await recall(file, place, new Date()));
  }
}

/** A refusal of ours is an answer; that it cannot answer is none. */
const isOutage = (error: unknown): error is No =>
  error instanceof NoAnswer || (error instanceof Refused && error.status >= 500);

function ask(client: Client, world: World, place: Place, options: Options): Promise<CheckAnswer> {
  const { version, commit, deploymentId: deployment_id, change } = options;
  const asked = { ...place, version, commit, deployment_id, change };
  const identity_token = options.identityToken ?? (world.env['FIREBREAK_IDENTITY_TOKEN'] || undefined);
  if (options.look || (deployment_id === undefined && identity_token === undefined))
    return client.get(`/v1/freeze-check${queryOf(asked)}`, CheckAnswer);
  return client.post('/v1/freeze-check', { ...asked, identity_token }, CheckAnswer);
}

/** For the time in which nobody answers. That it cannot be kept is no reason not to deploy. */
async function keep(world: World, client: Client, file: string, answer: CheckAnswer): Promise<void> {
  if (answer.signed_state === null) return;
  try {
    await remember(file, answer.signed_state, await client.get('/.well-known/jwks.json', Keys));
  } catch (error) {
    world.err(
      `what Firebreak said could not be kept for an outage: ${error instanceof Error ? error.message : 'unknown'}`,
    );
  }
}

function tell(world: World, answer: CheckAnswer, { json }: Options): void {
  if (json) world.out(asJson(answer));
  else {
    world.out(answer.allowed ? (answer.verdict === 'warn' ? 'allowed, with a warning' : 'allowed') : 'frozen');
    for (const { text } of answer.reasons) world.out(oneLine(`  ${text}`));
    if (answer.clears_when !== null) world.out(oneLine(`  It clears ${answer.clears_when}`));
    if (answer.next_transition_at !== null)
      world.out(`  This can change at ${shortTime(answer.next_transition_at)} UTC`);
    world.out(`  decision ${answer.decision_id}`);
  }
  if (!answer.allowed) throw new No('not allowed');
}

/** What is answered where nobody can be asked, and on what it rests. */
function withoutFirebreak(world: World, place: Place, options: Options, remembered: Remembered | null): void {
  const { allowed, because } = byOurselves(options, remembered);
  const text = `${allowed ? 'allowed' : 'not allowed'} without Firebreak: ${because}`;
  if (options.json)
    world.out(
      asJson({
        ...place,
        allowed,
        verdict: allowed ? 'warn' : 'freeze',
        outage: true,
        reasons: [{ code: 'outage', text }],
        evaluated_at: remembered?.state.evaluated_at ?? null,
      }),
    );
  else world.out(oneLine(text));
  if (!allowed) throw new No('not allowed');
}

function byOurselves(options: Options, remembered: Remembered | null): { allowed: boolean; because: string } {
  if (remembered === null)
    return {
      allowed: options.onOutage === 'allow',
      because: `nothing that it has signed is kept here, and --on-outage is ${options.onOutage}`,
    };
  const { state, fresh } = remembered;
  const said = `it said at ${shortTime(state.evaluated_at)} UTC`;
  const [named] = [options.version, options.commit].filter((name) => name !== undefined && state.pinned.includes(name));
  if (named !== undefined) return { allowed: false, because: `${said} that ${named} is known bad` };
  const changed = state.next_transition_at !== null && state.next_transition_at <= new Date().toISOString();
  if (fresh && !changed)
    return { allowed: state.allowed, because: `${said}: ${state.reasons.map(({ text }) => text).join('; ')}` };
  const old = fresh ? 'that may have changed since' : 'that is too old by policy';
  return {
    allowed: state.on_outage === 'allow',
    because: `${said} what holds, ${old}; policy says ${state.on_outage}`,
  };
}
