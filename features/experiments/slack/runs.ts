import { sendExperimentRequest } from '../actions/record-experiment.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import type { ChatButton, Text } from '../../../core/domain/messages/chat-message.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { Experiment, ExperimentRecord } from '../experiment.ts';
import { isPermitted } from '../../../entrances/slack/execution/caller.ts';
import { answered, Declined, message, type Outcome } from '../../../entrances/slack/outcome.ts';
import { knownService } from '../../../entrances/slack/commands/known-service.ts';
import type { RunVerb } from '../../../entrances/slack/commands/verb.ts';
import { withPorts } from '../ports.ts';
import type { Listed, Pressed } from './verbs.ts';
import { minuteText } from '../../../schemas/time/time.ts';

const SHOWN_MAX = 8;

const listExperiments: RunVerb<Listed> = async (core, { caller }, request) => {
  const deps = withPorts(core);
  const service = request.service === null ? null : await knownService(deps, request.service);
  if (service !== null) caller.allow('experiments:read', { service });
  const covers = ({ scope }: Pick<Experiment, 'scope'>): boolean =>
    service === null || scope.some((serviceEnvironment) => serviceEnvironment.service === service);
  const [unfinished, { items }] = await Promise.all([
    deps.experiments.unfinished(),
    deps.experiments.list({ ...(service !== null && { service }), limit: SHOWN_MAX }),
  ]);
  const running = unfinished.filter(
    (experiment) => covers(experiment) && isPermittedOn(caller, 'experiments:read', experiment),
  );
  const runningIds = new Set(running.map(({ id }) => id));
  const recent = items.filter(
    ({ id, ...experiment }) => !runningIds.has(id) && isPermittedOn(caller, 'experiments:read', experiment),
  );
  const ofService = service === null ? '' : ` of ${service}`;
  if (running.length + recent.length === 0) return answered(`No experiment${ofService} is recorded.`);
  const texts = [
    ...(running.length === 0
      ? [`No experiment${ofService} is in progress.`]
      : [`Experiments${ofService} in progress:`]),
    ...running.flatMap(row),
    ...(recent.length === 0 ? [] : ['\nLast:']),
    ...recent.flatMap(row),
  ];
  return { answer: message(texts, stopButtons(caller, running)) };
};

/** An experiment with several services is shown only to people who may see all of them. */
const isPermittedOn = (caller: Caller, action: Action, { scope }: Pick<Experiment, 'scope'>): boolean =>
  scope.every((serviceEnvironment) => isPermitted(caller, action, serviceEnvironment));

const row = ({ status, conclusion, created_at, started_at, name, scope, reason }: Experiment): Text => [
  `\n${status === 'ended' ? '•' : '▶️'} ${minuteText(started_at ?? created_at)} `,
  { bold: name },
  ` (${scopeText({ scope })}): ${
    conclusion === null ? `${status}: ${reason}` : `${conclusion.outcome}: ${conclusion.reasons.join('; ')}`
  }`,
];

const scopeText = ({ scope }: Pick<Experiment, 'scope'>): string =>
  scope.map(({ service, environment }) => `${service} ${environment}`).join(', ');

/** Whether a request to stop the experiment would still have an effect. */
const canStop = ({ status }: Pick<Experiment, 'status'>): boolean => status !== 'ended' && status !== 'stopping';

const BUTTONS_MAX = 10;

/** Button texts have 75 characters. */
const NAME_MAX_CHARS = 60;

const stopButtons = (caller: Caller, running: readonly ExperimentRecord[]): ChatButton[] =>
  running
    .filter((experiment) => canStop(experiment) && isPermittedOn(caller, 'experiments:write', experiment))
    .slice(0, BUTTONS_MAX)
    .map(({ id, name, scope }) => ({
      button: { verb: 'stop_experiment' as const, experiment: id },
      text: `Stop: ${name.slice(0, NAME_MAX_CHARS)}`,
      style: 'danger' as const,
      confirm: {
        title: 'Stop this experiment?',
        text: `${name} (${scopeText({ scope })}) is stopped, and its result is inconclusive.`,
        yes: 'Stop',
        no: 'Cancel',
      },
    }));

const stopExperiment: RunVerb<Pressed> = async (core, { caller, key }, { experiment: id }) => {
  const deps = withPorts(core);
  // A button press that is processed again gets the same answer, even if the experiment has ended since.
  const resultKey = `${key}-experiment`;
  const isRepeat = (await deps.processedEvents.read(resultKey)) !== undefined;
  const experiment = await deps.experiments.get(id);
  if (experiment === undefined) throw new Declined('The experiment no longer exists. Nothing was done.');
  for (const serviceEnvironment of experiment.scope) caller.allow('experiments:write', serviceEnvironment);
  if (experiment.ending !== null)
    return isRepeat
      ? confirmation(experiment)
      : answered({ bold: experiment.name }, ` is over already: ${experiment.ending.reason}. Nothing was done.`);
  if (!isRepeat) await deps.processedEvents.store(resultKey, { id });
  await sendExperimentRequest(deps, caller, id, { kind: 'stop', reason: null });
  return confirmation(experiment);
};

/** Without a run, Firebreak cannot reach the chaos tool, so the person has to stop the experiment there. */
const confirmation = ({ id, name, scope, run }: ExperimentRecord): Outcome =>
  answered(
    { bold: name },
    ` (${scopeText({ scope })}) is being stopped${run === null ? ': stop it in your chaos tool, too' : ''}. Experiment ${id}.`,
  );

/** Executes the verbs in `verbs.ts`. */
export const runs = { experiments: listExperiments, stop_experiment: stopExperiment };
