/** What the centre tells edges: acknowledgements, decisions, commands and the slots they may give out by themselves. */
import { edgeTopic } from '@gatehouse/shared';
import type { CentreToEdgeChannel } from '@gatehouse/shared';
import type { Ack, AckConflict, Allowance, Command, Decision, LogRequest, Sha256, SlotRef } from '@gatehouse/shared';
import type { Clock } from '@gatehouse/shared';
import { slotOf } from '../domain/engine.js';
import type { SiteState } from '../domain/engine.js';
import { arrivalKey } from '../domain/rows.js';
import type { AllowanceRow, ArrivalRow, DecisionRecord } from '../domain/rows.js';
import type { AccessLists } from './allowance/access.js';
import type { EdgeView } from './ingest/edge-view.js';
import type { Position } from './ingest/history.js';
import { provenPosition } from './ingest/history.js';
import type { AggregatorObserver } from './observer.js';
import type { Publisher } from './publisher.js';

/** Arrivals whose time to decision is being measured. */
const maxMeasuredArrivals = 10_000;
/** Arrivals of one edge whose last sending is remembered. */
const maxSentDecisions = 64;

export interface Outbound {
  ack(view: EdgeView, instance: string, position: Position, conflict: AckConflict | null): void;
  /** Sends a decision to the instance that is running; `site` tells what is painted on the slot. */
  decision(view: EdgeView, site: SiteState, arrival: Readonly<ArrivalRow>, decision: DecisionRecord): void;
  command(view: EdgeView, command: Command): void;
  logRequest(view: EdgeView, request: LogRequest): void;
  /** Sends the set that was made last for the edge, with all pages of the access list. */
  allowance(view: EdgeView, site: SiteState, allowance: Readonly<AllowanceRow>): void;
  /** An arrival was received: the time to its decision counts from here. */
  measure(arrival: { readonly edgeId: string; readonly epoch: string; readonly seq: number }, monoMs: number): void;
}

export interface OutboundPorts {
  readonly publisher: Publisher;
  readonly sha256: Sha256;
  readonly linkClock: Clock;
  readonly observer: AggregatorObserver;
  readonly accessLists: AccessLists;
}

export function createOutbound(ports: OutboundPorts): Outbound {
  const { publisher, sha256, linkClock, observer } = ports;
  const receivedMonoMs = new Map<string, number>();

  const send = (view: EdgeView, channel: CentreToEdgeChannel, message: object, rest: Rest = {}): void => {
    publisher.publish({
      topic: edgeTopic(view.siteId, view.edgeId, channel),
      payload: JSON.stringify(message),
      retain: false,
      owner: view.edgeId,
      ...rest,
    });
  };

  return {
    ack(view, instance, position, conflict) {
      const { epoch, upTo, hash } = provenPosition(position, sha256);
      const message: Ack = { instance, epoch, upTo, hash, conflict };
      const rest = conflict === null ? { replaces: `acks/${view.edgeId}/${instance}/${epoch}` } : {};
      send(view, 'acks', message, rest);
    },
    decision(view, site, arrival, decision) {
      if (view.instance === null) return;
      const message = decisionMessage(view.instance, site, arrival, decision);
      const key = arrivalKey(arrival);
      const measuredFrom = receivedMonoMs.get(key);
      receivedMonoMs.delete(key);
      const decisionsSent = (view.decisionsSent ??= new Map());
      decisionsSent.set(arrival.seq, linkClock.monoMs());
      dropOldest(decisionsSent, maxSentDecisions);
      send(view, 'decisions', message, {
        onPublished() {
          if (measuredFrom === undefined) return;
          observer.onDecision(view.siteId, linkClock.monoMs() - measuredFrom, decision.outcome);
        },
      });
    },
    command(view, command) {
      send(view, 'commands', command);
    },
    logRequest(view, request) {
      send(view, 'log-requests', request);
    },
    allowance(view, site, allowance) {
      const list = ports.accessLists.of(view.siteId, allowance.epoch);
      const { version, unlisted, pageCount } = list;
      const { epoch, version: setVersion, asOf, acceptedAccessVersion } = allowance;
      const slots = allowance.slotIds.flatMap((slotId) => slotRefOf(site, slotId) ?? []);
      // An edge that has the list needs but one message; if it does not take the set, it may not have the list after all.
      const isAgain = view.allowanceSent?.version === setVersion;
      const lastPage = acceptedAccessVersion === version && !isAgain ? 1 : pageCount;
      view.allowanceSent = { version: setVersion, monoMs: linkClock.monoMs() };
      for (let page = 1; page <= lastPage; page += 1) {
        const access = { version, page, pages: pageCount, unlisted, entries: list.page(page) };
        const message: Allowance = { epoch, version: setVersion, asOf, slots, access };
        send(view, 'allowance', message, { replaces: `allowance/${view.edgeId}/${String(page)}` });
      }
    },
    measure(arrival, monoMs) {
      receivedMonoMs.set(arrivalKey(arrival), monoMs);
      dropOldest(receivedMonoMs, maxMeasuredArrivals);
    },
  };
}

interface Rest {
  readonly replaces?: string;
  readonly onPublished?: () => void;
}

/** Maps keep the order of insertion. */
function dropOldest<K>(map: Map<K, unknown>, maxSize: number): void {
  if (map.size <= maxSize) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    if (map.size <= maxSize) return;
  }
}

function slotRefOf(site: SiteState, slotId: string): SlotRef | undefined {
  const slot = slotOf(site, slotId);
  if (slot === undefined) return undefined;
  return { slotId, zoneId: slot.zoneId, label: slot.label, slotClass: slot.slotClass };
}

function decisionMessage(
  instance: string,
  site: SiteState,
  arrival: Readonly<ArrivalRow>,
  decision: DecisionRecord,
): Decision {
  return {
    instance,
    epoch: arrival.epoch,
    arrival: arrival.seq,
    revision: decision.revision,
    outcome: decision.outcome,
    sessionId: decision.sessionId,
    slot: decision.slotId === null ? null : (slotRefOf(site, decision.slotId) ?? null),
    basis: decision.basis,
    reason: decision.reason,
    ttlMs: decision.ttlMs,
  };
}
