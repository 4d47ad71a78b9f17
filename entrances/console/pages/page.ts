import * as z from 'zod';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { foreignEnvironmentText } from '../../../core/domain/catalogue/known-names.ts';
import type { SignIn, Sessions, Tokens } from '../../../core/domain/ports/access.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { UserCache } from '../../../core/domain/ports/messages.ts';
import type { Quarantine } from '../../../core/domain/ports/alerts.ts';
import type { Projections } from '../../../core/domain/incidents/projections.ts';
import type { PortsOfFeatures } from '../../../core/domain/ports/extensions.ts';
import type { EvidencePacks } from '../../../core/domain/ports/evidence.ts';
import type { HealthSamples } from '../../../core/domain/ports/health-samples.ts';
import type { CodeHistory, ImageCommits, Rollouts } from '../../../core/domain/ports/changes.ts';
import type { Blobs, Commits, Counters, Idempotency, Secrets } from '../../../core/domain/ports/system.ts';
import type { AuditLog } from '../../../core/domain/ports/audit.ts';
import type { ReportReader, Reports } from '../../../core/domain/ports/reports.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Html, Shown } from '../parts.ts';
import type { FieldProblem } from '../refused-form.ts';
import type { Viewer } from '../../http/context.ts';
import { inputProblems } from '../../../schemas/parsing/input-problems.ts';
import { visibleText } from '../../../schemas/parsing/free-text.ts';

/** Everything that the console needs from outside. Its function on AWS has the permissions for these ports only. */
export type ConsoleDeps = Pick<
  Deps,
  | 'approvalLinks'
  | 'automation'
  | 'changes'
  | 'clock'
  | 'config'
  | 'decisions'
  | 'drills'
  | 'effects'
  | 'looks'
  | 'engine'
  | 'extensions'
  | 'externalPager'
  | 'runs'
  | 'inbound'
  | 'incidentGroups'
  | 'incidents'
  | 'log'
  | 'metrics'
  | 'pager'
  | 'pins'
  | 'publicUrl'
  | 'queue'
  | 'runbooks'
  | 'standIns'
  | 'timeScale'
  | 'watches'
> & {
  audit: AuditLog;
  blobs: Blobs;
  counters: Counters;
  evidencePacks: EvidencePacks;
  healthSamples: HealthSamples;
  features: PortsOfFeatures;
  idempotency: Idempotency;
  projections: Projections;
  code: CodeHistory;
  commits: Commits | null;
  quarantine: Quarantine;
  reports: Reports;
  rollouts: Rollouts;
  imageCommits: ImageCommits;
  secrets: Secrets;
  sessions: Sessions;
  tokens: Tokens;
  userCache: UserCache;
  signIn: SignIn;
};

/** Returns a viewer as the reader of reports. */
export const viewerAsReader = ({ sender, grants }: Viewer): NonNullable<ReportReader> => ({ name: sender, grants });

/** What a page receives of a request. */
export type PageRequest = {
  viewer: Viewer;
  /** Values in the path. */
  param: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** A person has opened the page. False: a program reads it, or an open page asks for its changes. */
  isOpened: boolean;
  /** Returns what features that the configuration uses show beside the figures of deploys. */
  besideDelivery(selection: DeliverySelection): Promise<{ links: Html[]; panels: (Html | '')[] }>;
  /** What this browser has hidden, by name. */
  hidden: ReadonlySet<string>;
  /** Address of the sandbox. Null: it does not run, or the browser is on another machine. */
  sandboxPath: string | null;
  /** The pages of the navigation that the viewer may see. */
  destinations: readonly { path: string; label: string }[];
};

/** Parts of the navigation, by what people come for. */
export const SECTIONS = ['Now', 'Incidents', 'Services', 'Deploys', 'Reliability', 'Review', 'Admin'] as const;
export type Section = (typeof SECTIONS)[number];

/** A page of the console. */
export type ConsolePage = {
  path: string;
  /** Its name in the navigation. Null: other pages lead to it. */
  label: string | null;
  /** The part of the navigation in which it is listed. Absent: `Admin`. */
  section?: Section;
  /** The page that its section opens. Absent: the first one listed is. */
  isOverview?: true;
  /** Path of the page in the navigation to which it belongs. Absent: its own. */
  within?: string;
  /** What the viewer must be allowed to do, somewhere. */
  action: Action;
  /** Seconds between updates in an open browser. */
  everySeconds: number;
  /** It shows the kill switch itself, so it needs no banner about that. */
  showsKillSwitch?: true;
  /**
   * Reads what the page shows, as far as the viewer may see it.
   *
   * @throws Refusal 403, 404
   */
  show(deps: ConsoleDeps, request: PageRequest): Promise<Shown>;
  /** What its forms do, by name. A form is sent to the address of the page with `/actions/NAME`. */
  actions?: Readonly<Record<string, PageAction>>;
};

/** Something that a person can do on a page, by the same use case as in Slack and over HTTP. */
export type PageAction = {
  /** Without this permission for some service, the form is refused. The use case checks it for the service concerned. */
  permission: Action;
  /** Text that the page shows after the action. */
  done: string;
  /** After a refusal, the page is shown with the fields of the form, as if they were in its address. */
  keepsFields?: true;
  /** Action whose form the page shows after a refusal. Absent: its own. */
  shownBy?: string;
  /** Fields of the form, by the names that refusals of the use case give them. A name that is absent is that of the form. */
  fieldNames?: Readonly<Record<string, string>>;
  /** Fields with which an action of the page undoes this one, by its name. */
  undoneBy?: Readonly<Record<string, readonly string[]>>;
  /**
   * Returns what the action does, if a person must confirm it first because it acts on all services at once. Undefined: it
   * is done without a second step.
   *
   * @throws Refusal
   */
  confirm?(deps: ConsoleDeps, sent: Sent): Promise<Confirmation | undefined>;
  /**
   * Runs the action. Returns nothing, what only the response to the form shows, such as a new secret, the page where it
   * leads, or how it is undone. `hide`: a name that this browser hides from now on.
   *
   * @throws Refusal
   */
  run(deps: ConsoleDeps, sent: Sent): Promise<Html | { location: string; hide?: string } | { undo: Undo } | void>;
};

/** The second step of an action: a question, what is done, and the text of the button. */
export type Confirmation = { question: string; effect: string; button: string };

/** An action of the same page that undoes another one, one of those in `undoneBy`. */
export type Undo = { action: string; fields: Readonly<Record<string, string>> };

/** Returns the refusal of an undo after a later change. @param state what the later change has set */
export const changedSince = (state: string): Refusal =>
  new Refusal(409, 'changed-since', `nothing was undone, because of a later change: ${state}`);

/** What a feature shows on the first page. Empty: the viewer may not see it. `quiet`: the name of what there is none of now. */
export type NowPart = Html | '' | { quiet: string };

/** What a feature adds to the console. */
export type ConsoleParts = {
  /** Path of the page after which its pages follow. They come last if there is none. */
  after: string;
  pages: readonly ConsolePage[];
  downloads?: readonly ConsoleDownload[];
  /** Shows what is in progress, on the first page. Called if the configuration uses the feature. */
  nowPanel?(deps: ConsoleDeps, viewer: Viewer, at: Timestamp): Promise<NowPart>;
  /** The same, below everything else on the first page. */
  nowPanelBelow?(deps: ConsoleDeps, viewer: Viewer, at: Timestamp): Promise<NowPart>;
  /** Shows what belongs to a service in these environments, on its page. Empty: nothing. */
  servicePanel?(
    deps: ConsoleDeps,
    viewer: Viewer,
    service: { name: ServiceName; environments: readonly EnvironmentName[] },
  ): Promise<Html | ''>;
  /** Shows what belongs to an incident, on its page. Empty: nothing. Called if the configuration uses the feature. */
  incidentPanel?(deps: ConsoleDeps, viewer: Viewer, incident: IncidentRecord, at: Timestamp): Promise<Html | ''>;
  /** Shows reports that could not be used, in the inbox. Empty: there are none. */
  inboxPanel?(deps: ConsoleDeps, viewer: Viewer, at: Timestamp): Promise<Html | ''>;
  /** Shows figures beside those of deploys. Empty: nothing. `link` leads to its own page. */
  delivery?: {
    link: Html;
    panel(deps: ConsoleDeps, viewer: Viewer, selection: DeliverySelection): Promise<Html | ''>;
  };
};

/** The services and days of which figures are shown. An absent value stands for all. */
export type DeliverySelection = { days: number; service?: string; team?: string };

/** A file that a viewer downloads. */
export type ConsoleDownload = {
  path: string;
  /** @throws Refusal 403, 404 */
  read(
    deps: ConsoleDeps,
    caller: Caller,
    request: { path: string; param: Readonly<Record<string, string>> },
  ): Promise<{ body: string; headers: Record<string, string> }>;
};

/** A form that a viewer sent. */
export type Sent = {
  viewer: Viewer;
  caller: Caller;
  /** Values in the path of the page. */
  param: Readonly<Record<string, string>>;
  form: URLSearchParams;
  /** Idempotency key: the same if a person sends this form of the page twice, or again after a lost response. */
  key: string;
  trace: string;
};

/** Refusal of a form because of some of its fields. */
export class FieldRefusal extends Refusal {
  readonly problems: readonly FieldProblem[];

  constructor(problems: readonly FieldProblem[]) {
    super(422, 'invalid', problems.map(({ field: name, text }) => `${name}: ${text}`).join('; '));
    this.problems = problems;
  }
}

/**
 * Refuses an environment that the catalogue does not list for the service: the form offers those of all services.
 *
 * @throws FieldRefusal
 */
export function refuseForeignEnvironment(
  services: Config['services'],
  { service, environment }: { service?: string | null | undefined; environment?: string | null | undefined },
): void {
  if (service == null || environment == null) return;
  const known = Object.keys(serviceEntry(services, service)?.environments ?? {});
  const text = foreignEnvironmentText({ service, environment }, known);
  if (text !== null) throw new FieldRefusal([{ field: 'environment', text }]);
}

/**
 * Returns a field of a form. An empty field counts as absent.
 *
 * @throws FieldRefusal
 */
export const field = <T extends z.ZodType>(form: URLSearchParams, name: string, schema: T): z.infer<T> =>
  fields(form, { [name]: schema })[name] as z.infer<T>;

/**
 * Returns fields of a form. Empty fields count as absent.
 *
 * @throws FieldRefusal with all that are wrong
 */
export function fields<S extends Record<string, z.ZodType>>(
  form: URLSearchParams,
  shape: S,
): { [K in keyof S]: z.infer<S[K]> } {
  const values = Object.fromEntries(
    Object.keys(shape).map((name) => [name, visibleText(form.get(name) ?? '') || undefined]),
  );
  const read = z.object(shape).safeParse(values);
  if (read.success) return read.data as { [K in keyof S]: z.infer<S[K]> };
  throw new FieldRefusal(problemsOf(read.error));
}

/** A text that must be filled in. @param problem what a page says if it is not */
export const filled = (problem: string) =>
  z.string({ error: ({ input }) => (input === undefined ? problem : undefined) });

/** Returns the problems by field. */
export const problemsOf = (error: z.ZodError): FieldProblem[] =>
  inputProblems(error).map(({ path, text }) => ({
    field: path.map(String).join('.'),
    text: text.startsWith('is required') ? 'fill in this field' : text,
  }));

/**
 * Returns which fields of a form a refusal is about. Use cases name a field of the API: `json: until must be later`.
 *
 * @param fieldNames fields of the form, by the names of the API
 */
export function fieldProblems(
  error: Refusal,
  form: URLSearchParams,
  fieldNames: Readonly<Record<string, string>> = {},
): FieldProblem[] {
  const [, name = '', text = ''] = /^(?:json: )?([\w.]+):? (.+)$/s.exec(error.detail) ?? [];
  const named = error instanceof FieldRefusal ? error.problems : error.status === 422 ? [{ field: name, text }] : [];
  return named.flatMap(({ field: apiName, text: problem }) => {
    const own = (Object.hasOwn(fieldNames, apiName) ? fieldNames[apiName] : undefined) ?? apiName;
    return form.has(own) ? [{ field: own, text: problem }] : [];
  });
}
