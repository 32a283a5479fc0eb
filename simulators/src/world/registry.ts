/** Who may connect, and bringing an aggregator to know its sites and edges, through its own operations. */
import {
  createAuthenticator,
  enrolmentCodeHash,
  newEnrolmentCode,
  putLayout,
  redeemEnrolmentCode,
  registerEdge,
  renewEnrolmentCode,
} from '@gatehouse/aggregator';
import type { Actor, Aggregator } from '@gatehouse/aggregator';
import { siteLayoutSchema } from '@gatehouse/shared';
import type { Random, SiteLayout } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { centreMachine, centrePassword } from './network/centre-link.js';
import type { SitePlan } from './scenario.js';

export const installer: Actor = { keyId: 'world', label: 'installer', role: 'admin', siteId: null };

export interface Registry {
  /** The layout a site should have. */
  layout(siteId: string): SiteLayout;
  setLayout(layout: SiteLayout): void;
  /** The secret the edge's machines hold. */
  password(edgeId: string): string;
  /** Whether the broker lets somebody in. */
  admits(clientId: string, password: string): boolean;
  /** Puts layouts and registers and enrols edges, as far as the aggregator does not know them. */
  provision(aggregator: Aggregator): Promise<void>;
  enrol(aggregator: Aggregator, edgeId: string): Promise<void>;
  /** A broker beside the aggregator hears from people that an edge is no longer let in. */
  forget(edgeId: string): void;
}

const codeLifetimeMs = 3_600_000;

export function createRegistry(
  sites: readonly SitePlan[],
  random: Random,
  broker: { readonly isEmbedded: boolean; readonly aggregator: () => Aggregator | undefined },
): Registry {
  const layouts = new Map(sites.map((site) => [site.siteId, layoutOf(site)]));
  const siteOfEdge = new Map(sites.flatMap(({ siteId, edges }) => edges.map(({ edgeId }) => [edgeId, siteId])));
  const held = new Map<string, string>();
  const accounts = new Map<string, string>();

  const enrol = async (aggregator: Aggregator, edgeId: string): Promise<void> => {
    const codeHash = enrolmentCodeHash(sha256, newEnrolmentCode(random));
    const secret = random.hex(32);
    const request = { edgeId, codeHash, codeLifetimeMs };
    const siteId = siteOfEdge.get(edgeId);
    if (siteId === undefined) throw new RangeError(`no edge ${edgeId}`);
    await aggregator.committer.execute((turn) =>
      turn.directory.edge(edgeId) === undefined
        ? registerEdge(turn, installer, { ...request, siteId, name: edgeId })
        : renewEnrolmentCode(turn, installer, { ...request, reason: 'Installation' }),
    );
    await aggregator.committer.execute((turn) => redeemEnrolmentCode(turn, { codeHash, secretHash: sha256(secret) }));
    held.set(edgeId, secret);
    accounts.set(edgeId, secret);
  };

  return {
    layout(siteId) {
      const layout = layouts.get(siteId);
      if (layout === undefined) throw new RangeError(`no site ${siteId}`);
      return layout;
    },
    setLayout(layout) {
      layouts.set(layout.siteId, layout);
    },
    password: (edgeId) => held.get(edgeId) ?? '',
    admits(clientId, password) {
      if (clientId === centreMachine) return password === centrePassword;
      if (!broker.isEmbedded) return accounts.get(clientId) === password;
      const aggregator = broker.aggregator();
      if (aggregator === undefined) return false;
      return createAuthenticator(aggregator.directory, sha256).authenticate(clientId, password) !== null;
    },
    async provision(aggregator) {
      for (const layout of layouts.values()) {
        if (aggregator.site(layout.siteId) !== undefined) continue;
        await aggregator.committer.execute((turn) =>
          putLayout(turn, installer, { layout, reason: 'Installation', exists: false, expectedVersion: null }),
        );
      }
      for (const edgeId of siteOfEdge.keys()) {
        const row = aggregator.directory.edge(edgeId);
        const secret = held.get(edgeId);
        if (row !== undefined && secret !== undefined && row.secretHash === sha256(secret)) continue;
        if (row?.revokedAtMs == null) await enrol(aggregator, edgeId);
      }
    },
    enrol,
    forget(edgeId) {
      accounts.delete(edgeId);
    },
  };
}

function layoutOf({ siteId, slots, edges }: SitePlan): SiteLayout {
  return siteLayoutSchema.parse({
    siteId,
    name: siteId,
    zones: [{ zoneId: 'all', name: 'All' }],
    slots: slots.map((slot) => ({ ...slot, zoneId: 'all', label: slot.slotId })),
    gates: edges.flatMap(({ edgeId, gates }) =>
      gates.map(({ gateId, direction }) => ({ gateId, edgeId, name: gateId, direction })),
    ),
  });
}
