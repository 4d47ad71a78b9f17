import { sendExperimentRequest } from '../../actions/experiments/experiments.ts';
import type { Caller } from '../../actions/people/caller.ts';
import type { ChatButton, Text } from '../../domain/messages/channels.ts';
import { minuteOf } from '../../domain/messages/story.ts';
import type { Action } from '../../schemas/access/access.ts';
import type { Experiment, ExperimentId, ExperimentRecord } from '../../schemas/experiments/experiment.ts';
import { isPermitted } from '../execution/caller.ts';
import { answered, Declined, message, type Outcome } from '../outcome.ts';
import { knownService } from './known-service.ts';
import type { Run, Verb } from './verb.ts';

type Listed = { service: string | null };

/** Lists chaos experiments. */
export const experiments: Verb<Listed> = {
  permission: 'experiments:read',
  command: 'firebreak',
  name: 'experiments',
  usage: 'experiments [SERVICE]',
  description: 'show the chaos experiments in progress and the last ones',
  parse: ({ words: [service, ...more] }) =>
    more.length > 0 ? { error: 'too many arguments: expected a service' } : { service: service ?? null },
};

const SHOWN_MAX = 8;

export const runExperiments: Run<Listed> = async (deps, { caller }, request) => {
  const service = request.service === null ? null : await knownService(deps, request.service);
  if (service !== null) caller.allow('experiments:read', { service });
  const covers = ({ scope }: Pick<Experiment, 'scope'>): boolean =>
    service === null || scope.some((place) => place.service === service);
  const [unfinished, { items }] = await Promise.all([
    deps.experiments.unfinished(),
    deps.experiments.list({ ...(service !== null && { service }), limit: SHOWN_MAX }),
  ]);
  const running = unfinished.filter((one) => covers(one) && isPermittedOn(caller, 'experiments:read', one));
  const known = new Set(running.map(({ id }) => id));
  const last = items.filter(({ id, ...one }) => !known.has(id) && isPermittedOn(caller, 'experiments:read', one));
  const of = service === null ? '' : ` of ${service}`;
  if (running.length + last.length === 0) return answered(`No experiment${of} is recorded.`);
  const texts = [
    ...(running.length === 0 ? [`No experiment${of} is in progress.`] : [`Experiments${of} in progress:`]),
    ...running.flatMap(row),
    ...(last.length === 0 ? [] : ['\nLast:']),
    ...last.flatMap(row),
  ];
  return { answer: message(texts, stopButtons(caller, running)) };
};

/** An experiment with several services is shown only to people who may see all of them. */
const isPermittedOn = (caller: Caller, action: Action, { scope }: Pick<Experiment, 'scope'>): boolean =>
  scope.every((place) => isPermitted(caller, action, place));

const row = ({ status, conclusion, created_at, started_at, name, scope, reason }: Experiment): Text => [
  `\n${status === 'ended' ? '•' : '▶️'} ${minuteOf(started_at ?? created_at)} `,
  { bold: name },
  ` (${placesOf({ scope })}): ${
    conclusion === null ? `${status}: ${reason}` : `${conclusion.outcome}: ${conclusion.reasons.join('; ')}`
  }`,
];

const placesOf = ({ scope }: Pick<Experiment, 'scope'>): string =>
  scope.map(({ service, environment }) => `${service} ${environment}`).join(', ');

/** Whether a request to stop the experiment would still have an effect. */
const canStop = ({ status }: Pick<Experiment, 'status'>): boolean => status !== 'ended' && status !== 'stopping';

const BUTTONS_MAX = 10;

/** Button texts have 75 characters. */
const NAME_MAX_CHARS = 60;

const stopButtons = (caller: Caller, running: readonly ExperimentRecord[]): ChatButton[] =>
  running
    .filter((one) => canStop(one) && isPermittedOn(caller, 'experiments:write', one))
    .slice(0, BUTTONS_MAX)
    .map(({ id, name, scope }) => ({
      button: { verb: 'stop_experiment' as const, experiment: id },
      text: `Stop: ${name.slice(0, NAME_MAX_CHARS)}`,
      style: 'danger' as const,
      confirm: {
        title: 'Stop this experiment?',
        text: `${name} (${placesOf({ scope })}) is stopped, and its result is inconclusive.`,
        yes: 'Stop',
        no: 'Cancel',
      },
    }));

type Pressed = { experiment: ExperimentId };

/** The buttons of the list of experiments. */
export const stopExperiment: Verb<Pressed> = {
  permission: 'experiments:write',
  buttons: { stop_experiment: ({ experiment }) => ({ experiment }) },
};

export const runStopExperiment: Run<Pressed> = async (deps, { caller, key }, { experiment: id }) => {
  const kept = `${key}-experiment`;
  const isRepeat = (await deps.processedEvents.read(kept)) !== undefined;
  const found = await deps.experiments.get(id);
  if (found === undefined) throw new Declined('The experiment no longer exists. Nothing was done.');
  for (const place of found.scope) caller.allow('experiments:write', place);
  if (found.ending !== null)
    return isRepeat
      ? doneTo(found)
      : answered({ bold: found.name }, ` is over already: ${found.ending.reason}. Nothing was done.`);
  if (!isRepeat) await deps.processedEvents.store(kept, { id });
  await sendExperimentRequest(deps, caller, id, { kind: 'stop', reason: null });
  return doneTo(found);
};

const doneTo = ({ id, name, scope, run }: ExperimentRecord): Outcome =>
  answered(
    { bold: name },
    ` (${placesOf({ scope })}) is being stopped${run === null ? ': stop it in your chaos tool, too' : ''}. Experiment ${id}.`,
  );
