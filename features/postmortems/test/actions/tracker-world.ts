import { withPorts } from '../../ports.ts';
import { expect } from 'vitest';
import { compareIssues, type CompareDeps } from '../../actions/issues/compare.ts';
import { githubTracker } from '../../vendors/github/action-item-issues.ts';
import { textOf } from '../../vendors/jira/adf.ts';
import { jiraTracker } from '../../vendors/jira/action-item-issues.ts';
import { draftDuePostmortems } from '../../actions/jobs.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { PeopleFile } from '../../../../schemas/people/people.ts';
import { PostmortemsFile } from '../../schemas/policy.ts';
import type { ActionItemView } from '../../../../schemas/action-items/action-item.ts';
import { plusSeconds, millisOf } from '../../../../schemas/time/time.ts';
import { savePostmortem } from '../../actions/postmortem.ts';
import { actionItemViews } from '../../actions/issues/view.ts';
import { consoleWorld } from '../../../../test/support/console-world.ts';
import type { Clock } from '../../../../core/domain/ports/system.ts';
import type { FaultRule } from '../../../../packages/sandbox/core/faults.ts';
import { setFault, start } from '../../../../packages/sandbox/test/support.ts';

/** An issue as people see it at the tracker. */
export type Shown = { title: string; isDone: boolean; assignees: string[]; body: string };

/** What people do at a tracker, and how Firebreak is connected to it. */
export type TrackerKind = {
  config: object;
  /** The people of `people.yaml`. */
  people: object;
  tracker: 'github' | 'jira';
  key: (number: number) => string;
  /** The ID in the index. */
  idOf: (number: number) => string;
  /** Paths for faults. */
  paths: { create: string; one: string; changeMethod: string };
};

export const GITHUB: TrackerKind = {
  tracker: 'github',
  idOf: (number) => `acme/checkout#${number}`,
  config: { github: { repository: 'acme/checkout', labels: ['postmortem'] } },
  people: { nora: { name: 'Nora Quist', github: 'nora-q' }, otto: { github: 'otto-stranger' } },
  key: (number) => `acme/checkout#${number}`,
  paths: { create: '/repos/acme/checkout/issues', one: '/repos/acme/checkout/issues/1', changeMethod: 'PATCH' },
};

export const JIRA: TrackerKind = {
  tracker: 'jira',
  config: { jira: { project: 'OPS', labels: ['postmortem'] } },
  people: { nora: { name: 'Nora Quist', jira: 'nora-q' }, otto: { jira: 'otto-stranger' } },
  key: (number) => `OPS-${number}`,
  idOf: (number) => String(9999 + number),
  paths: { create: '/rest/api/3/issue', one: '/rest/api/3/issue/10000', changeMethod: 'PUT' },
};

const caller = { name: 'ada', allow: () => undefined };

/** An incident with a post-mortem, and the stand-in of a tracker with the same clock. */
export async function trackerWorld(kind: TrackerKind) {
  const web = consoleWorld();
  const { world } = web;
  const standIns = await start({ now: () => world.clock.millis });
  const url = standIns.urls[kind.tracker];
  world.config = {
    ...world.config,
    people: PeopleFile.parse({ people: kind.people }),
    postmortems: PostmortemsFile.parse({ trackers: [{ services: ['checkout'], ...kind.config }] }),
  };
  const deps: CompareDeps = {
    ...withPorts(world.deps),
    trackerFor: async (config) => ({
      ...('jira' in config
        ? jiraTracker(jiraAccess(url, world.clock), config.jira)
        : githubTracker({ ...config.github, apiUrl: url, token: async () => 'ghs_test', clock: world.clock })),
      standIn: true,
    }),
  };
  const { id } = await deps.incidents.declare({
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title: 'Orders fail',
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  });
  await deps.incidents.resolve(id, 0, 'ada', 'Resolved');
  await draftDuePostmortems(withPorts(world.deps));

  const save = async (lines: readonly string[], state?: 'published' | 'draft' | 'skipped') =>
    savePostmortem(deps, caller, id, {
      markdown: `# Checkout\n\n## Action items\n${lines.join('\n')}\n`,
      ...(state !== undefined && { state }),
    });
  const compare = () => compareIssues(deps);
  return {
    tracker: kind.tracker,
    idOf: kind.idOf,
    web,
    world,
    deps,
    id,
    save,
    compare,
    standIns,
    /** Moves the clock, and compares. */
    after: async (seconds: number) => {
      world.clock.set(millisOf(plusSeconds(world.clock.now(), seconds)));
      return compare();
    },
    items: async (): Promise<ActionItemView[]> => {
      const { items } = await deps.postmortems.actionItems({ limit: 50, keep: () => true });
      return actionItemViews(deps, items);
    },
    timeline: async (kindOf = 'action_item.') =>
      (await deps.incidents.timeline(id, { limit: 100 })).items
        .filter((entry) => entry.kind.startsWith(kindOf))
        .toReversed(),
    fault: (fault: FaultRule['fault'], match: NonNullable<FaultRule['match']>) =>
      setFault(standIns, { vendor: kind.tracker, fault, match, times: 1 }),
    ...(kind.tracker === 'jira' ? jiraPeople(url) : githubPeople(url)),
  };
}

export const jiraAccess = (url: string, clock: Clock) => ({
  url: async () => url,
  email: async () => 'firebreak@example.com',
  token: async () => 'jira-token',
  clock,
});

/** What people do at a tracker. */
type People = {
  /** Returns all issues, in the order of their creation. */
  issues: () => Promise<Shown[]>;
  setDone: (number: number, isDone: boolean) => Promise<unknown>;
  rename: (number: number, title: string) => Promise<unknown>;
  edit: (number: number, body: string) => Promise<unknown>;
};

type JiraFields = {
  summary: string;
  status: { statusCategory: { key: string } };
  description: unknown;
  assignee: { accountId: string } | null;
};

function jiraPeople(url: string): People {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/rest/api/3${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from('nora@example.com:token').toString('base64')}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect([method, path, response.ok, response.ok || (await response.clone().text())]).toEqual([
      method,
      path,
      true,
      true,
    ]);
    return response.status === 204 ? undefined : response.json();
  };
  const document = (text: string) => ({
    type: 'doc',
    version: 1,
    content: [{ type: 'paragraph', content: [{ type: 'text', text }] }],
  });
  return {
    async issues() {
      const { issues } = (await call('POST', '/search/jql', {
        jql: 'project = "OPS"',
        fields: ['summary', 'status', 'description', 'assignee'],
      })) as { issues: { fields: JiraFields }[] };
      return issues.toReversed().map(({ fields: { summary, status, description, assignee } }) => ({
        title: summary,
        isDone: status.statusCategory.key === 'done',
        body: textOf(description),
        assignees: assignee === null ? [] : [assignee.accountId],
      }));
    },
    setDone: (number, isDone) =>
      call('POST', `/issue/OPS-${number}/transitions`, { transition: { id: isDone ? '31' : '41' } }),
    rename: (number, summary) => call('PUT', `/issue/OPS-${number}`, { fields: { summary } }),
    edit: (number, text) => call('PUT', `/issue/OPS-${number}`, { fields: { description: document(text) } }),
  };
}

function githubPeople(url: string): People {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/repos/acme/checkout/issues${path}`, {
      method,
      headers: { authorization: 'Bearer person', 'user-agent': 'test' },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.ok).toBe(true);
    return response.json();
  };
  return {
    issues: async (): Promise<Shown[]> => {
      const all = (await call('GET', '?state=all&per_page=100')) as {
        title: string;
        state: string;
        body: string;
        assignees: { login: string }[];
      }[];
      return all.toReversed().map(({ title, state, body, assignees }) => ({
        title,
        isDone: state === 'closed',
        body,
        assignees: assignees.map(({ login }) => login),
      }));
    },
    setDone: (number: number, isDone: boolean) => call('PATCH', `/${number}`, { state: isDone ? 'closed' : 'open' }),
    rename: (number: number, title: string) => call('PATCH', `/${number}`, { title }),
    edit: (number: number, body: string) => call('PATCH', `/${number}`, { body }),
  };
}

export type World = Awaited<ReturnType<typeof trackerWorld>>;
