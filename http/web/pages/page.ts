import type * as z from 'zod';
import type { SignIn } from '../../../domain/ports/access.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { Caller } from '../../../actions/people/caller.ts';
import { Refusal } from '../../../actions/refusal.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Html, Shown } from '../parts.ts';
import type { Viewer } from '../../context.ts';

/** Everything that the console needs from outside. Its function on AWS has the permissions for these ports only. */
export type ConsoleDeps = Pick<
  Deps,
  | 'approvalLinks'
  | 'attributions'
  | 'audit'
  | 'automation'
  | 'blobs'
  | 'canaries'
  | 'changes'
  | 'clock'
  | 'config'
  | 'counters'
  | 'decisions'
  | 'deployHistory'
  | 'drills'
  | 'effects'
  | 'engine'
  | 'evidencePacks'
  | 'extensions'
  | 'features'
  | 'externalPager'
  | 'flagRuns'
  | 'freezeDecisions'
  | 'freezes'
  | 'idempotency'
  | 'inbound'
  | 'incidentGroups'
  | 'incidents'
  | 'log'
  | 'pager'
  | 'pins'
  | 'projections'
  | 'publicIncidents'
  | 'publicUrl'
  | 'code'
  | 'quarantine'
  | 'queue'
  | 'rollouts'
  | 'imageCommits'
  | 'runbooks'
  | 'secrets'
  | 'sessions'
  | 'sloCorrections'
  | 'sloDays'
  | 'sloStatuses'
  | 'timeScale'
  | 'tokens'
  | 'userCache'
  | 'watches'
  | 'watchRuns'
> & { signIn: SignIn };

/** What a page receives of a request. */
export type PageRequest = {
  viewer: Viewer;
  /** Values in the path. */
  param: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** A person has opened the page. False: a program reads it, or an open page asks for its changes. */
  isOpened: boolean;
};

/** A page of the console. */
export type ConsolePage = {
  path: string;
  /** Its name in the navigation. Null: other pages lead to it. */
  label: string | null;
  /** Path of the page in the navigation to which it belongs. Absent: its own. */
  within?: string;
  /** What the viewer must be allowed to do, somewhere. */
  action: Action;
  /** Seconds between updates in an open browser. */
  everySeconds: number;
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
  /**
   * Runs the action. Returns nothing, or what only the response to the form shows, such as a new secret.
   *
   * @throws Refusal
   */
  run(deps: ConsoleDeps, sent: Sent): Promise<Html | void>;
};

/** What a feature adds to the console. */
export type ConsoleParts = {
  /** Path of the page after which its pages follow. They come last if there is none. */
  after: string;
  pages: readonly ConsolePage[];
  downloads?: readonly ConsoleDownload[];
  /** Shows what is in progress, on the first page. Empty: nothing. Called if the configuration uses the feature. */
  nowPanel?(deps: ConsoleDeps, viewer: Viewer, at: Timestamp): Promise<Html | ''>;
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
    param: Readonly<Record<string, string>>,
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

/**
 * Returns a field of a form. An empty field counts as absent.
 *
 * @throws Refusal 422
 */
export function field<T extends z.ZodType>(form: URLSearchParams, name: string, schema: T): z.infer<T> {
  const value = form.get(name)?.trim();
  const read = schema.safeParse(value === '' ? undefined : value);
  if (!read.success)
    throw new Refusal(422, 'invalid', `${name}: ${read.error.issues.map((issue) => issue.message).join('; ')}`);
  return read.data;
}
