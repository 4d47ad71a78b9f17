import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { Vendor } from '../../../../test/vendors/projectors/faults.ts';
import { done, refused } from '../../../../test/vendors/projectors/vendors.ts';
import type { PlannedMaintenance, StatusPage } from '../../types.ts';

export type PublicIncident = {
  id: string;
  key: string;
  name: string;
  /** Updates, each of which sent emails. */
  updates: { status: string; body: string }[];
};

type HostedMaintenance = Omit<PlannedMaintenance, 'body'> & { id: string; updates: string[] };

/** Statuspage: every creation and every update sends emails. Components have their last status. */
export class MemoryStatusPage implements Vendor<StatusPage> {
  readonly incidents: PublicIncident[] = [];
  #made = 0;
  readonly states: Record<string, string> = { checkout: 'operational', payments: 'operational', search: 'operational' };

  components(): ReturnType<Vendor<StatusPage>['components']> {
    return done(
      Object.entries(this.states).map(([id, status]) => ({ id, name: id.toUpperCase(), group: null, status })),
    );
  }

  setComponent(id: string, status: string): VendorResponse<null> {
    this.states[id] = status;
    return done(null);
  }

  findIncident(key: string): VendorResponse<{ id: string; status: string } | null> {
    const found = this.incidents.findLast((one) => one.key === key);
    return done(found === undefined ? null : { id: found.id, status: found.updates.at(-1)?.status ?? '' });
  }

  createIncident({
    key,
    name,
    ...update
  }: Parameters<StatusPage['createIncident']>[0]): VendorResponse<{ id: string }> {
    this.#made += 1;
    const id = `P${this.#made}`;
    this.incidents.push({ id, key, name, updates: [] });
    this.updateIncident(id, update);
    return done({ id });
  }

  updateIncident(
    id: string,
    { status, body, components }: Parameters<StatusPage['updateIncident']>[1],
  ): VendorResponse<null> {
    const found = this.incidents.find((one) => one.id === id);
    if (found === undefined) return refused('not_found');
    found.updates.push({ status, body });
    Object.assign(this.states, components);
    return done(null);
  }

  readonly maintenances: HostedMaintenance[] = [];

  findMaintenance(key: string): ReturnType<Vendor<StatusPage>['findMaintenance']> {
    return done(this.maintenances.findLast((one) => one.key === key) ?? null);
  }

  createMaintenance(planned: Parameters<StatusPage['createMaintenance']>[0]): VendorResponse<{ id: string }> {
    this.#made += 1;
    const id = `M${this.#made}`;
    this.maintenances.push({ ...planned, id, updates: [] });
    this.updateMaintenance(id, planned);
    return done({ id });
  }

  updateMaintenance(
    id: string,
    { body, ...planned }: Parameters<StatusPage['updateMaintenance']>[1],
  ): VendorResponse<null> {
    const found = this.maintenances.find((one) => one.id === id);
    if (found === undefined) return refused('not_found');
    const { status } = body === null ? found : planned;
    Object.assign(found, planned, { status });
    if (body !== null) found.updates.push(`${status}: ${body}`);
    Object.assign(this.states, planned.components);
    return done(null);
  }
}
