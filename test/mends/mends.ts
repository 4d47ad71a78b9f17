/**
 * Bugs that were mended. Tests must find each of them if it returns: `npm run test:long -- mends` puts it back into a copy of
 * this tree, and expects that its tests fail. Before you delete or shorten a test, check that each bug here still has one.
 */

/** Parts of the product; each has at least three bugs. */
export type Area = (typeof AREAS)[number];
export const AREAS = [
  'alerts',
  'causes',
  'rollbacks',
  'workflows',
  'stores',
  'paging',
  'Slack',
  'freezes',
  'delivery',
  'console',
] as const;

export type Mend = {
  area: Area;
  /** What went wrong, as a sentence in the past. */
  bug: string;
  /** The file that was mended. */
  file: string;
  /** Text that the file has now, exactly once. */
  mended: string;
  /** What replaces it to put the bug back. */
  broken: string;
  /** Files of tests of `npm test` or `npm run test:stories`, of which at least one must fail. */
  tests: readonly string[];
};

export const MENDS: readonly Mend[] = [
  {
    area: 'alerts',
    bug: 'In a storm, one read that timed out made an incident continue without its group, so 45 of 100 incidents paged alone.',
    file: 'workflows/steps/incident-group.ts',
    mended: `      if (attempt < ATTEMPTS) continue;
`,
    broken: ``,
    tests: ['test/workflows/incident-group.test.ts'],
  },
  {
    area: 'alerts',
    bug: 'An alert was known by its source and fingerprint alone, so an alert of one service hid one of another service.',
    file: 'core/domain/alerts/admission.ts',
    mended: `  [senderKeyOf(signal), signal.service, signal.environment, ...(signal.unmatched === null ? [] : [signal.unmatched])]`,
    broken: `  [senderKeyOf(signal)]`,
    tests: ['test/core/stores/alerts/admission.test.ts'],
  },
  {
    area: 'alerts',
    bug: 'A severity that rose counted as a repetition, so nobody was paged when a warning became critical.',
    file: 'core/domain/alerts/admission.ts',
    mended: `  if (isUnmuted && isRaised) return 'raised';
`,
    broken: ``,
    tests: ['test/core/stores/alerts/admission.test.ts'],
  },
  {
    area: 'alerts',
    bug: 'All senders of an alert shared one state, so the end that one of them reported ended the alert that the other still reported.',
    file: 'core/stores/alerts/episodes.ts',
    mended: `keys.alert(sha256(alertKeyOf(signal)), reporterOf(signal));`,
    broken: `keys.alert(sha256(alertKeyOf(signal)));`,
    tests: ['test/core/stores/alerts/admission.test.ts'],
  },
  {
    area: 'alerts',
    bug: 'Only the newest 500 muted alerts were read, so an alert behind them never paged when its mute ended.',
    file: 'core/stores/alerts/lists.ts',
    mended: `    cursor = page.next_cursor;
  }`,
    broken: `    cursor = null;
  }`,
    tests: ['test/core/stores/alerts/routes.test.ts'],
  },
  {
    area: 'causes',
    bug: 'A person was offered to roll back a deploy although a change that cannot be undone was the more probable cause.',
    file: 'core/domain/rollback/rollback.ts',
    mended: `acts[0]?.change_id === all[0]?.top?.change_id ? acts : []`,
    broken: `acts`,
    tests: ['test/core/domain/rollback/rollback.test.ts'],
  },
  {
    area: 'causes',
    bug: 'The last sample of a stopped source, which Prometheus repeats, counted as a service that is healthy again.',
    file: 'core/domain/correlation/stale.ts',
    mended: `(isConstantSince(curve, last) ? curve.filter(([at]) => at <= last) : curve)`,
    broken: `curve`,
    tests: ['test/core/domain/correlation/stale.test.ts'],
  },
  {
    area: 'causes',
    bug: 'A caller that failed later, as callers of a failing service do, was asked about with its own innocent deploy.',
    file: 'core/domain/correlation/neighbours.ts',
    mended: `  if (own.first)
    return weightedFactor(isCaller ? 'caller_fails_too'`,
    broken: `  if (own)
    return weightedFactor(isCaller ? 'caller_fails_too'`,
    tests: ['test/core/domain/correlation/neighbours.test.ts'],
  },
  {
    area: 'causes',
    bug: 'The second of two objects that went back to an older revision counted as a deploy, which became a suspect.',
    file: 'core/domain/changes/recognize.ts',
    mended: `  const earlier = all.slice(0, all.findLastIndex((change) => !isPart(change)) + 1);`,
    broken: `  const earlier = all;`,
    tests: ['test/core/domain/changes/recognize.test.ts'],
  },
  {
    area: 'causes',
    bug: 'The version in the alert of a watch, which is the one that was watched, counted as monitoring that names what fails.',
    file: 'workflows/steps/evidence.ts',
    mended: `      .filter(({ source }) => source !== 'watch')
`,
    broken: ``,
    tests: ['test/workflows/steps/evidence.test.ts'],
  },
  {
    area: 'causes',
    bug: 'The start of the alert of a watch, which is its first measurement, counted as the start of the measured problem.',
    file: 'workflows/steps/evidence.ts',
    mended: ` && !(isMeasured && source === 'watch') ?`,
    broken: ` ?`,
    tests: ['test/workflows/steps/evidence.test.ts'],
  },
  {
    area: 'causes',
    bug: 'Another record of the same version counted as another possible cause, which prevented automatic rollbacks.',
    file: 'core/domain/correlation/approval-reasons.ts',
    mended: `      !isSameVersion(other.candidate.change, candidate.change) &&
`,
    broken: ``,
    tests: ['test/core/domain/correlation/approval-reasons.test.ts'],
  },
  {
    area: 'rollbacks',
    bug: 'The verdict on an earlier rollback closed the incident while a second rollback was still to be verified.',
    file: 'core/domain/incidents/response.ts',
    mended: `runbook !== undefined || change !== undefined || number < verifying;`,
    broken: `runbook !== undefined || change !== undefined;`,
    tests: ['test/core/domain/incidents/response.test.ts'],
  },
  {
    area: 'rollbacks',
    bug: 'A message that was read after a verdict started a second repeated verification, and both reported the same recovery.',
    file: 'core/domain/incidents/response.ts',
    mended: `couldPassNow(state) && !state.isVerifyingAgain`,
    broken: `couldPassNow(state)`,
    tests: ['test/core/domain/incidents/response.test.ts'],
  },
  {
    area: 'rollbacks',
    bug: 'A person with permission for the service of an incident could approve the rollback of another service.',
    file: 'core/actions/incidents/answer-decision.ts',
    mended: `  caller.allow('incidents:act', { service: target.service, environment: target.environment });`,
    broken: `  caller.allow('incidents:act', { service: incident.service, environment: incident.environment });`,
    tests: ['test/entrances/slack/commands/process-request.test.ts'],
  },
  {
    area: 'rollbacks',
    bug: 'A pipeline that reported the rollback as a deploy of its own lifted the pin, so the bad version could be deployed again.',
    file: 'core/domain/changes/versions.ts',
    mended: `    !(pin.rolled_back_to !== undefined && isSameVersion(live, { version: pin.rolled_back_to })) &&
`,
    broken: ``,
    tests: ['test/core/stores/changes/pins.test.ts'],
  },
  {
    area: 'rollbacks',
    bug: 'A rollback that the deploying system reported before its end was recorded a second time.',
    file: 'core/stores/incidents/effects.ts',
    mended: `    const reported = suspect && reportedIn(items, own, suspectOf(suspect, removed).started_at);`,
    broken: `    const reported = undefined as ReturnType<typeof reportedIn>;`,
    tests: ['test/core/stores/incidents/effects.test.ts'],
  },
  {
    area: 'rollbacks',
    bug: 'What ran stayed the version of a deploy that was reported as succeeded and then as failed, so a rollback had the wrong target.',
    file: 'core/stores/changes/changes.ts',
    mended: `    else await this.#replaceLive(change);
`,
    broken: ``,
    tests: ['test/core/stores/changes/changes.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'A child that ended just before its parent listened completed an earlier callback, so the parent noticed it ten minutes later.',
    file: 'workflows/incident-response.ts',
    mended: `const isRegrouped = countHolding(inbox) !== firing || haveChanged(group, inbox.group);`,
    broken: `const isRegrouped = haveChanged(group, inbox.group);`,
    tests: ['test/workflows/incident-group.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'Looks at a change that were due minutes after its report were lost when another run took over.',
    file: 'workflows/steps/begin-run.ts',
    mended: `number > 1 ? await openLooks(deps, id, found.incident.consumed_seq) : null;`,
    broken: `null as Awaited<ReturnType<typeof openLooks>>;`,
    tests: ['test/workflows/changes-during-incident.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'A request to turn a flag on stayed open forever if its process died before it started the workflow.',
    file: 'core/actions/incidents/tend-flags.ts',
    mended: `(await hasFailed(deps, null, () => deps.runs.flag.start(incident, number)));`,
    broken: `false;`,
    tests: ['test/workflows/flag-on.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'A run that had failed before its first write was started again under its own name forever, so nobody was paged.',
    file: 'core/actions/failed-run.ts',
    mended: `return started !== undefined && (await engine.status(started)) === 'failed';`,
    broken: `return false;`,
    tests: ['test/workflows/failed-start.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'The verdict of a repeated verification in a later run had the key of one in an earlier run, so it was dropped.',
    file: 'workflows/steps/mitigate.ts',
    mended: '`verification-${number}-${run}-${round}`',
    broken: '`verification-${number}-${round}`',
    tests: ['test/workflows/verdict.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'An unreadable configuration ended the whole sweep, also the replacement of workflows that had died.',
    file: 'core/jobs/sweep/sweep.ts',
    mended: `  const open = await deps.incidents.open();
`,
    broken: `  const open = await deps.incidents.open();
  await deps.config.current();
`,
    tests: ['test/core/jobs/sweep/sweep.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'A version was never the running one if the process that recorded its deploy died right after the record.',
    file: 'core/stores/changes/changes.ts',
    mended: `    await this.#live(first);`,
    broken: `    if (result.ok) await this.#live(first);`,
    tests: ['test/core/stores/changes/changes.test.ts'],
  },
  {
    area: 'workflows',
    bug: 'A deploy was not shown by projectors if the process that recorded it died before it woke them, also when it was reported again.',
    file: 'core/stores/changes/changes.ts',
    mended: '    await this.#changed(`change:${first.id}`);',
    broken: '    if (result.ok) await this.#changed(`change:${first.id}`);',
    tests: ['test/core/stores/changes/changes.test.ts'],
  },
  {
    area: 'stores',
    bug: 'Each attempt at a transaction had its own token, so one that had succeeded was taken for a failed condition.',
    file: 'platforms/aws/dynamodb-store.ts',
    mended: `new TransactWriteCommand({ TransactItems, ClientRequestToken })`,
    broken: `new TransactWriteCommand({ TransactItems })`,
    tests: ['test/platforms/aws/dynamodb-store.test.ts'],
  },
  {
    area: 'stores',
    bug: 'A message whose processing met a failed connection, which fetch reports as a TypeError, was put aside for good.',
    file: 'core/jobs/queues/permanent-errors.ts',
    mended: `  if (error.name === 'TypeError') return error.cause === undefined && !FETCH_FAILED.test(error.message);
`,
    broken: ``,
    tests: ['test/core/jobs/queues/route.test.ts'],
  },
  {
    area: 'stores',
    bug: 'A message that failed, and with it its group, came back only after the visibility time-out, minutes later.',
    file: 'core/jobs/queues/queue-batch.ts',
    mended: `map(({ id }) => ({ id, afterSeconds }));`,
    broken: `map(({ id }) => ({ id, afterSeconds: afterSeconds + 240 }));`,
    tests: ['test/core/jobs/queues/queue-batch.test.ts'],
  },
  {
    area: 'stores',
    bug: 'An entry for the audit log that was altered while it waited, or too large, kept all others out of the log.',
    file: 'core/stores/audit/audit-log.ts',
    mended: `  return isOurs && Buffer.byteLength(String(text)) <= ENTRY_MAX_BYTES ? entry : unreadable(String(sk));`,
    broken: `  return entry ?? unreadable(String(sk));`,
    tests: ['test/core/stores/audited-acts.test.ts'],
  },
  {
    area: 'stores',
    bug: 'On a full disk, the product did not continue its workflows, even after there was room again.',
    file: 'platforms/sqlite/executions.ts',
    mended: `if (!again && !(error instanceof DiskFailure || error instanceof DatabaseDamaged)) throw error;`,
    broken: `if (!again) throw error;`,
    tests: ['test/platforms/sqlite/disk-full.test.ts'],
  },
  {
    area: 'paging',
    bug: 'The second page of an incident that had joined a group was lost.',
    file: 'workflows/steps/page.ts',
    mended: 'if (isRaised || !(await isFirstPage(deps, incident, number))) {',
    broken: 'if (isRaised) {',
    tests: ['test/workflows/incident-group.test.ts'],
  },
  {
    area: 'paging',
    bug: 'A page that no pager had accepted yet was lost when the run of the workflow that repeated it died.',
    file: 'workflows/steps/begin-run.ts',
    mended: `number > 1 ? await unfinishedPages(deps, incident) : [];`,
    broken: `[] as Awaited<ReturnType<typeof unfinishedPages>>;`,
    tests: ['test/workflows/page-contents.test.ts'],
  },
  {
    area: 'paging',
    bug: 'An acknowledgement of an earlier page also counted for later pages, so these were not repeated.',
    file: 'core/domain/paging/acknowledgement.ts',
    mended: 'return page !== undefined && page >= incident.pages;',
    broken: 'return page !== undefined;',
    tests: ['test/core/domain/paging/acknowledgement.test.ts'],
  },
  {
    area: 'paging',
    bug: 'An acknowledgement from before its withdrawal still counted, although the pager had notified people again.',
    file: 'core/domain/paging/acknowledgement.ts',
    mended: 'withdrawal !== undefined && at < withdrawal.at ? Math.min(page, withdrawal.page - 1) : page',
    broken: 'page',
    tests: ['test/core/domain/paging/acknowledgement.test.ts'],
  },
  {
    area: 'Slack',
    bug: 'A rollback that was confirmed in Slack was lost if the process died before it was requested.',
    file: 'entrances/slack/commands/rollback.ts',
    mended: '  const keep = async (what: RequestProgress)',
    broken:
      "  if (begun !== undefined) return answered('The rollback was started before, and interrupted.');\n  const keep = async (what: RequestProgress)",
    tests: ['test/entrances/slack/commands/process-request.test.ts'],
  },
  {
    area: 'Slack',
    bug: 'A Slack request that was delivered again while the first delivery was still processed got two responses.',
    file: 'entrances/slack/execution/process-request.ts',
    mended: 'if (before === undefined && !(await deps.processedEvents.store(key, outcome)))',
    broken: 'if (before === undefined && (await deps.processedEvents.store(key, outcome)) === undefined)',
    tests: ['test/entrances/slack/commands/process-request.test.ts'],
  },
  {
    area: 'Slack',
    bug: 'A dialog was refused to people whose user group grants the permission, because groups are read only later.',
    file: 'entrances/slack/requests/permissions.ts',
    mended: '(permissions.mayHaveMore || permissions.may(action, scope))',
    broken: 'permissions.may(action, scope)',
    tests: ['test/entrances/slack/requests/commands.test.ts'],
  },
  {
    area: 'Slack',
    bug: 'A command that named an environment of another service changed the canary in the wrong environment.',
    file: 'features/canary/slack/runs.ts',
    mended: 'environmentNamed(rest.first, allEnvironments)',
    broken: 'environmentNamed(rest.first, environments)',
    tests: ['features/canary/test/slack.test.ts'],
  },
  {
    area: 'freezes',
    bug: 'Errors at one end of the bucket that had just closed counted twice, or not at all, until the next boundary.',
    file: 'features/slo/decisions/budget/account.ts',
    mended: ': certainSince(observed, span.from),',
    broken: ': sumSince(observed, span.from),',
    tests: ['features/slo/test/decisions/budget.test.ts'],
  },
  {
    area: 'freezes',
    bug: 'Two processes could answer the same deployment at GitHub.',
    file: 'features/freeze/vendors/github/answer.ts',
    mended: "  if (isBusy(deps, gate)) return 'waiting';\n",
    broken: '',
    tests: ['features/freeze/test/actions/protection.test.ts'],
  },
  {
    area: 'freezes',
    bug: 'During an outage, the last signed response permitted deploys by an override whose uses were no longer counted.',
    file: 'features/freeze/actions/tokens.ts',
    mended: '    ...withoutOverrides(inputs),\n',
    broken: '',
    tests: ['features/freeze/test/cli/freeze.test.ts'],
  },
  {
    area: 'freezes',
    bug: 'A double click on the form of a freeze, or its repetition, froze deploys twice.',
    file: 'features/freeze/pages/actions.ts',
    mended: "newId('frz', key)",
    broken: "newId('frz')",
    tests: ['features/freeze/test/pages/sent-twice.test.ts'],
  },
  {
    area: 'freezes',
    bug: 'A freeze for a service under another spelling of its name was stored under that spelling, and stopped no deploy.',
    file: 'features/freeze/actions/freezes.ts',
    mended: '{ ...input, ...scope }',
    broken: '{ ...input, environment: scope.environment }',
    tests: ['features/freeze/test/actions/names.test.ts'],
  },
  {
    area: 'freezes',
    bug: 'An identity that no claim restricts was accepted, so any repository of GitHub could vouch for a hotfix.',
    file: 'schemas/access/identity-claims.ts',
    mended: 'const problem = whyTooWide(issuer, claims);',
    broken: 'const problem = undefined;',
    tests: ['features/freeze/test/schemas/freeze-policy.test.ts'],
  },
  {
    area: 'delivery',
    bug: 'A version that was deployed again after its rollback was merged with its first rollout.',
    file: 'core/domain/changes/recognize.ts',
    mended:
      ' &&\n      !liveChanges(changes).some((between) => !isSame(between) && isBetween(between, other, report)),',
    broken: ',',
    tests: ['test/core/domain/changes/recognize.test.ts'],
  },
  {
    area: 'delivery',
    bug: 'A promotion that was sent twice moved a canary by two steps.',
    file: 'features/canary/pages/canary.ts',
    mended: "if (kind === 'promote' && !full)",
    broken: 'if (false)',
    tests: ['features/canary/test/pages.test.ts'],
  },
  {
    area: 'delivery',
    bug: 'A revision number of the deploying system was recorded as the previous version of an image tag.',
    file: 'core/actions/changes/report-change.ts',
    mended: 'previous_version: undefined,',
    broken: '',
    tests: ['test/entrances/http/webhooks/change-senders.test.ts'],
  },
  {
    area: 'console',
    bug: 'A token for one service could read the automation modes of all services.',
    file: 'entrances/http/routes/automation.ts',
    mended: 'c.json(readablePart(inForce(await deps.automation.read()), c.var.may), 200)',
    broken: 'c.json(inForce(await deps.automation.read()), 200)',
    tests: ['test/entrances/http/access.test.ts'],
  },
  {
    area: 'console',
    bug: 'A link that confirms a subscription never expired once it was used, and showed the secrets of the subscription.',
    file: 'features/status-page/actions/subscriptions/change-subscription.ts',
    mended: 'return hasExpired ? undefined : found;',
    broken: 'return found;',
    tests: ['features/status-page/test/pages/subscriptions.test.ts'],
  },
  {
    area: 'console',
    bug: 'After an interrupted snapshot, a file of the status page still showed an outage that was over.',
    file: 'features/status-page/decisions/snapshot.ts',
    mended: "put.map(({ path }) => [path, ''])",
    broken: "put.flatMap(({ path }) => (Object.hasOwn(known, path) ? [] : [[path, ''] as const]))",
    tests: ['features/status-page/test/actions/take-snapshot.test.ts'],
  },
  {
    area: 'console',
    bug: 'Control characters in names could reverse the text of a question that a person approves.',
    file: 'entrances/console/routes.ts',
    mended: "printable(text.replaceAll(/\\r\\n?/g, '\\n'))",
    broken: "text.replaceAll(/\\r\\n?/g, '\\n')",
    tests: ['test/entrances/console/visible.test.ts'],
  },
  {
    area: 'console',
    bug: 'An invalid cursor in the address of a list was an internal error of the console.',
    file: 'entrances/console/routes.ts',
    mended: "thrown instanceof Refusal && thrown.code === 'bad-cursor' ? badCursor() : thrown",
    broken: 'thrown',
    tests: ['test/entrances/console/console.test.ts'],
  },
];
