import { h } from '../dom.js';
import { counted } from '../time.js';
import { nameOf } from '../vendors.js';

/**
 * Views of the stand-ins for rollback targets, by vendor.
 *
 * @typedef {{
 *   'argo-cd': ReturnType<typeof import('../../argo-cd/argo-cd.ts').argoCd.view>;
 *   kubernetes: ReturnType<typeof import('../../kubernetes/kubernetes.ts').kubernetes.view>;
 *   aws: ReturnType<typeof import('../../aws/aws.ts').aws.view>;
 *   launchdarkly: import('../../launchdarkly/launchdarkly.ts').LaunchDarklyView;
 *   flags: ReturnType<typeof import('../../flags-http/flags.ts').flags.view>;
 * }} TargetViews
 */

/**
 * A deployed version or a flag: its name, version, and state.
 *
 * @typedef {{ name: string; where: string; version: string; state: string; tone: Tone }} Row
 * @typedef {'succeeded' | 'in_progress' | 'bad' | 'plain'} Tone
 */

/** @type {{ [V in keyof TargetViews]: (view: TargetViews[V]) => Row[] }} */
const ROWS = {
  'argo-cd': ({ applications }) =>
    applications.map(({ name, project, revision, images, sync, health, automated, operation }) => ({
      name,
      where: `${project}${automated ? ', automated' : ''}`,
      version: images[0] ?? short(revision ?? 'none'),
      state: operation === null ? `${sync}, ${health}` : `syncing ${short(operation)}`,
      tone: operation !== null || health === 'Progressing' ? 'in_progress' : health === 'Healthy' ? 'succeeded' : 'bad',
    })),
  kubernetes: ({ workloads }) =>
    workloads.map(({ kind, namespace, name, image, ready, phase }) => ({
      name,
      where: `${kind} in ${namespace}`,
      version: image ?? 'no image',
      state: phase === null ? `${ready} ready` : `${phase}, ${ready} ready`,
      tone: phase === 'Degraded' ? 'bad' : isAll(ready) ? 'succeeded' : 'in_progress',
    })),
  aws: ({ functions, services, deployments }) => [
    ...functions.flatMap(({ function: name, aliases, versions }) =>
      aliases.map(({ alias, version, weights }) => ({
        name,
        where: `Lambda, alias ${alias}`,
        version: versions.find(({ number }) => String(number) === version)?.description || `version ${version}`,
        state: Object.keys(weights).length > 0 ? `canary: version ${Object.keys(weights).join(', ')}` : 'all traffic',
        tone: /** @type {Tone} */ (Object.keys(weights).length > 0 ? 'in_progress' : 'succeeded'),
      })),
    ),
    ...services.map(({ cluster, service, desired, deployments: rollouts }) => ({
      name: service,
      where: `ECS in ${cluster}, ${counted(desired, 'task')}`,
      version: rollouts[0]?.image ?? 'none',
      state: (rollouts[0]?.state ?? 'none').toLowerCase().replaceAll('_', ' '),
      tone: toneOf(rollouts[0]?.state),
    })),
    ...newestOfEach(deployments).map(({ application, group, id, description, status }) => ({
      name: application,
      where: `CodeDeploy, ${group}`,
      version: description || id,
      state: status.toLowerCase(),
      tone: toneOf(status),
    })),
  ],
  launchdarkly: ({ flags }) =>
    flags.map(({ project, environment, flag, on, archived }) => ({
      name: flag,
      where: `flag, ${project} ${environment}`,
      version: on ? 'on' : 'off',
      state: archived ? 'archived' : '',
      tone: 'plain',
    })),
  flags: ({ flags }) =>
    flags.map(({ environment, flag, on }) => ({
      name: flag,
      where: `flag, ${environment}`,
      version: on ? 'on' : 'off',
      state: '',
      tone: 'plain',
    })),
};

/** @param {string} revision */
const short = (revision) => (/^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 7) : revision);

/** Returns whether all replicas are ready, such as `2/2`. @param {string} ready */
const isAll = (ready) => ready.split('/')[0] === ready.split('/')[1];

/** @param {string | undefined} state in the vendor's spelling @returns {Tone} */
const toneOf = (state = '') =>
  /^(completed|succeeded)$/i.test(state) ? 'succeeded' : /^(failed|stopped)$/i.test(state) ? 'bad' : 'in_progress';

/** @param {TargetViews['aws']['deployments']} deployments newest first */
const newestOfEach = (deployments) => [
  ...new Map(deployments.toReversed().map((one) => [`${one.application} ${one.group}`, one])).values(),
];

/** The panel of all rollback targets and flags that were set up. */
export class TargetsPanel {
  /** @type {Map<string, Row[]>} */
  #rows = new Map();

  /** @template {keyof TargetViews} V @param {V} vendor @param {TargetViews[V]} view */
  show(vendor, view) {
    this.#rows.set(vendor, ROWS[vendor](view));
  }

  get isEmpty() {
    return this.#all.length === 0;
  }

  get tally() {
    return counted(this.#all.length, 'item');
  }

  get #all() {
    return [...this.#rows].flatMap(([vendor, rows]) => rows.map((row) => ({ vendor, ...row })));
  }

  elements() {
    return h('ul', { class: 'live' }, this.#all.map(element));
  }
}

/** @param {Row & { vendor: string }} row */
const element = ({ vendor, name, where, version, state, tone }) =>
  h(
    'li',
    { class: 'target', 'data-vendor': vendor, 'data-key': `${vendor} ${where} ${name}`, 'data-glow': version + state },
    h(
      'span',
      {},
      h('b', {}, name),
      h('span', { class: 'quiet line' }, `${nameOf(vendor)} · ${where}`),
      state !== '' && h('span', { class: `state ${tone}` }, state),
    ),
    h('code', { class: 'version' }, version),
  );
