import { withPorts } from '../ports.ts';
import { html } from 'hono/html';
import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { endCorrection, previewCorrection, recordCorrection, withdrawCorrection } from '../actions/corrections.ts';
import { isPast } from '../decisions/corrections.ts';
import type { CorrectionPreview } from '../schemas/correction-preview.ts';
import { CorrectionReason, NewCorrection, type SloCorrection } from '../schemas/slo-correction.ts';
import { BurnWindow, CorrectionCategory } from '../../../schemas/slo/slo-status.ts';
import type { SloView } from '../schemas/slo-view.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { instantOf, TimeZone } from '../../../schemas/time/time-zone.ts';
import {
  actionForm,
  type Cells,
  type Html,
  nothing,
  onDemand,
  panel,
  tableOf,
} from '../../../entrances/console/parts.ts';
import { newId } from '../../../entrances/http/new-id.ts';
import {
  field,
  FieldRefusal,
  fields,
  type PageAction,
  problemsOf,
  type Sent,
} from '../../../entrances/console/pages/page.ts';
import { percent, sloPath } from './slos.ts';

/** What the panel of corrections shows. */
export type CorrectionsData = {
  /** Newest first, including withdrawn ones. */
  all: readonly SloCorrection[];
  /** Whether there are more. */
  hasMore: boolean;
  /** Null: the viewer may not change them. */
  csrfToken: string | null;
};

const WITHDRAWN_SHOWN = 5;
const IN_EFFECT_SHOWN = 30;

/** Shows the corrections behind the budget, so that no period is left out silently, and the forms that change them. */
export function correctionsPanel(view: SloView, data: CorrectionsData, at: Timestamp): Html {
  const inEffect = data.all.filter(({ withdrawn_at }) => withdrawn_at === null);
  const withdrawn = data.all.filter(({ withdrawn_at }) => withdrawn_at !== null).slice(0, WITHDRAWN_SHOWN);
  return panel(
    'corrections',
    'Corrections',
    inEffect.length,
    html`${excludedLine(view)}
    ${
      inEffect.length === 0
        ? nothing(
            'Every period counts. Record a correction for planned maintenance, a load test, or wrong measurements.',
          )
        : html`<ul class="rows">
            ${inEffect.slice(0, IN_EFFECT_SHOWN).map((correction) => correctionRow(view, correction, data.csrfToken, at))}
          </ul>`
    }
    ${data.hasMore || inEffect.length > IN_EFFECT_SHOWN ? html`<p class="quiet">Older ones are in the API.</p>` : ''}
    ${
      withdrawn.length === 0
        ? ''
        : html`<h3 class="sub">Withdrawn</h3>
            <ul class="rows">
              ${withdrawn.map((correction) => withdrawnRow(correction))}
            </ul>`
    }
    ${data.csrfToken === null ? '' : onDemand('correct', 'Record a correction…', newForm(view, data.csrfToken, new URLSearchParams(), 'new'))}`,
  );
}

/** Says how much of the window the corrections exclude, with the budget that counts everything. */
function excludedLine({ corrected }: SloView): Html | '' {
  if (corrected === null) return '';
  const { remaining } = corrected.uncorrected.budget;
  return html`<p>
    Corrections exclude ${hoursOf(corrected.excluded_seconds)} of the window. Without corrections, the budget left is
    ${shareText(remaining)}.
  </p>`;
}

const hoursOf = (seconds: number): string => {
  const hours = Math.round(seconds / 36) / 100;
  return hours === 1 ? '1 hour' : `${hours} hours`;
};

const shareText = (share: number | null): string => (share === null ? 'unknown' : percent(share));

const minuteOf = (at: Timestamp): string => `${at.slice(0, 10)} ${at.slice(11, 16)}`;

const periodText = ({ starts_at, ends_at, rrule, time_zone }: SloCorrection): string =>
  `${minuteOf(starts_at)} to ${minuteOf(ends_at)} (UTC)${rrule === null ? '' : `, ${rrule} in ${time_zone ?? 'UTC'}`}`;

const summaryOf = (correction: SloCorrection): Html =>
  html`<p><span class="place">${correction.category.replaceAll('_', ' ')}</span> ${correction.reason}</p>
    <p class="quiet">${periodText(correction)}, by ${correction.created_by}</p>`;

function correctionRow(view: SloView, correction: SloCorrection, csrfToken: string | null, at: Timestamp): Html {
  const { id, ended_at, ended_by, end_reason, starts_at } = correction;
  const canEnd = starts_at <= at && !isPast(correction, millisOf(at));
  const ending = (action: 'end' | 'withdraw', label: string, hint: string): Html =>
    onDemand(
      `${action}-${id}`,
      label,
      actionForm(
        sloPath(view.id),
        action,
        csrfToken ?? '',
        html`<input type="hidden" name="id" value="${id}" />
          <p class="hint">${hint}</p>
          <label for="${action}-reason-${id}">Reason</label>
          <input id="${action}-reason-${id}" name="reason" maxlength="500" autocomplete="off" required />
          <button class="danger" id="do-${action}-${id}">${label.replace('…', '')}</button>`,
      ),
    );
  return html`<li>
    ${summaryOf(correction)}
    ${
      ended_at === null
        ? ''
        : html`<p class="quiet">
            Ended ${minuteOf(ended_at)} by ${ended_by ?? ''}${end_reason === null ? '' : html`: ${end_reason}`}. Later
            periods count.
          </p>`
    }
    ${
      csrfToken === null
        ? ''
        : html`${canEnd ? ending('end', 'End now…', 'Past periods stay left out. Later ones count.') : ''}
          ${ending('withdraw', 'Withdraw…', 'All of its periods count again, also past ones. It stays on record.')}`
    }
  </li>`;
}

const withdrawnRow = (correction: SloCorrection): Html =>
  html`<li>
    ${summaryOf(correction)}
    <p class="quiet">
      Withdrawn ${correction.withdrawn_at === null ? '' : minuteOf(correction.withdrawn_at)} by
      ${correction.withdrawn_by ?? ''}${correction.withdraw_reason === null ? '' : html`: ${correction.withdraw_reason}`}
    </p>
  </li>`;

const CATEGORY_WORDS: Readonly<Record<CorrectionCategory, string>> = {
  maintenance: 'Maintenance',
  load_test: 'Load test',
  reporting_error: 'Wrong measurements',
  outside_business_hours: 'Outside business hours',
  other: 'Other',
};

/** The form of a new correction. It leads to a preview, which has the button that records it. */
function newForm(view: Pick<SloView, 'id'>, csrfToken: string, entered: URLSearchParams, key: string): Html {
  const value = (name: string): string => entered.get(name) ?? '';
  const category = value('category') || 'maintenance';
  return actionForm(
    sloPath(view.id),
    'preview',
    csrfToken,
    html`<label for="${key}-category">Category</label>
      <select id="${key}-category" name="category">
        ${CorrectionCategory.options.map(
          (option) =>
            html`<option value="${option}" ${option === category ? html`selected` : ''}>
              ${CATEGORY_WORDS[option]}
            </option>`,
        )}
      </select>
      <label for="${key}-reason">Reason</label>
      <input id="${key}-reason" name="reason" maxlength="500" autocomplete="off" required value="${value('reason')}" />
      <label for="${key}-starts">From</label>
      <input id="${key}-starts" name="starts_at" type="datetime-local" required value="${value('starts_at')}" />
      <label for="${key}-ends">Until</label>
      <input id="${key}-ends" name="ends_at" type="datetime-local" required value="${value('ends_at')}" />
      <label for="${key}-zone">Time zone, such as Europe/Berlin (empty: UTC)</label>
      <input
        id="${key}-zone"
        name="time_zone"
        maxlength="64"
        autocomplete="off"
        spellcheck="false"
        value="${value('time_zone')}"
      />
      <label for="${key}-rrule">Recurs by, such as FREQ=WEEKLY;BYDAY=SA (empty: once)</label>
      <input
        id="${key}-rrule"
        name="rrule"
        maxlength="500"
        autocomplete="off"
        spellcheck="false"
        value="${value('rrule')}"
      />
      <button class="primary" id="do-preview-${key}">Preview</button>`,
  );
}

const FIELDS = ['category', 'reason', 'starts_at', 'ends_at', 'time_zone', 'rrule'] as const;

/** The values with and without a correction, and the button that records it. */
function previewNotice(id: string, preview: CorrectionPreview, { form, viewer: { csrfToken } }: Sent): Html {
  const {
    present,
    corrected,
    uncorrected,
    excluded_seconds: seconds,
    next_periods: next,
    past_periods: past,
  } = preview;
  const rate = (value: number | null | undefined): string =>
    value == null ? 'unknown' : `${Math.round(value * 100) / 100}×`;
  const rows: Cells[] = [
    ['Budget left', ...[present, corrected, uncorrected].map(({ budget }) => shareText(budget.remaining))],
    ['Errors', ...[present, corrected, uncorrected].map(({ budget }) => String(Math.round(budget.errors)))],
    ...BurnWindow.options.map((window): Cells => [
      `Burn rate over ${window}`,
      ...[present, corrected, uncorrected].map(({ burn_rates: rates }) => rate(rates[window])),
    ]),
  ];
  return html`<p>
      <strong>Preview, not recorded.</strong> Values up to ${minuteOf(preview.at)} UTC. The correction excludes
      ${hoursOf(seconds)} of the window so far, in ${past === 1 ? '1 period' : `${past} periods`}.
    </p>
    ${tableOf('Values with and without the correction', ['Value', 'Now', 'With this correction', 'Without any correction'], rows)}
    ${
      next.length === 0
        ? ''
        : html`<p>
            Next: ${next.map(({ starts_at, ends_at }) => `${minuteOf(starts_at)} to ${minuteOf(ends_at)}`).join(', ')}
            (UTC).
          </p>`
    }
    ${actionForm(
      sloPath(id),
      'record',
      csrfToken,
      html`<input type="hidden" name="id" value="${newId('cor')}" />
        ${FIELDS.map((name) => html`<input type="hidden" name="${name}" value="${form.get(name) ?? ''}" />`)}
        <button class="primary" id="do-record">Record the correction</button>`,
    )}
    ${onDemand('change', 'Change it…', newForm({ id: id as SloView['id'] }, csrfToken, form, 'change'))}`;
}

const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;

/** @throws FieldRefusal */
function correctionIn(form: URLSearchParams): NewCorrection {
  const Local = z.string().regex(LOCAL, 'must be a date and time, such as 2026-11-20T18:00');
  const {
    time_zone: zone,
    rrule,
    ...entered
  } = fields(form, {
    category: CorrectionCategory,
    reason: CorrectionReason,
    starts_at: Local,
    ends_at: Local,
    time_zone: TimeZone.optional(),
    rrule: z.string().max(500).optional(),
  });
  const instant = (name: 'starts_at' | 'ends_at'): Timestamp => {
    try {
      return instantOf(Temporal.PlainDateTime.from(entered[name]), zone ?? 'UTC', 'first');
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new FieldRefusal([{ field: name, text: `there is no such date or time: ${entered[name]}` }]);
    }
  };
  const read = NewCorrection.safeParse({
    ...entered,
    starts_at: instant('starts_at'),
    ends_at: instant('ends_at'),
    ...(rrule !== undefined && { rrule, time_zone: zone }),
  });
  if (read.success) return read.data;
  throw new FieldRefusal(problemsOf(read.error));
}

const CorrectionId = z.string().regex(/^cor_[0-9a-f]{26}$/);

const sloIn = ({ param }: Sent): string => param['id'] ?? '';

const endingIn = (sent: Sent) => ({
  slo: sloIn(sent),
  id: field(sent.form, 'id', z.string().max(64)),
  reason: field(sent.form, 'reason', CorrectionReason),
});

export const correctionActions = {
  preview: {
    permission: 'slos:write',
    done: 'Preview, not recorded.',
    run: async (deps, sent) => {
      const correction = correctionIn(sent.form);
      return previewNotice(
        sloIn(sent),
        await previewCorrection(withPorts(deps), sent.caller, { slo: sloIn(sent), correction }),
        sent,
      );
    },
  },
  record: {
    permission: 'slos:write',
    done: 'Recorded. The next evaluation, within a minute, leaves its periods out.',
    shownBy: 'preview',
    run: async (deps, sent) => {
      // The preview gave the ID, so the form can be sent twice.
      const id = field(sent.form, 'id', CorrectionId.optional()) ?? newId('cor');
      await recordCorrection(withPorts(deps), sent.caller, {
        id,
        slo: sloIn(sent),
        correction: correctionIn(sent.form),
      });
    },
  },
  end: {
    permission: 'slos:write',
    done: 'Ended. Its past periods stay left out, and later ones count.',
    run: async (deps, sent) => {
      await endCorrection(withPorts(deps), sent.caller, endingIn(sent));
    },
  },
  withdraw: {
    permission: 'slos:write',
    done: 'Withdrawn. From the next evaluation on, all of its periods count again.',
    run: async (deps, sent) => {
      await withdrawCorrection(withPorts(deps), sent.caller, endingIn(sent));
    },
  },
} as const satisfies Readonly<Record<string, PageAction>>;
