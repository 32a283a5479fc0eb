/** What people can do and see in the world, through the application operations of the aggregator that is alive. */
import type { EdgeRow, ReviewRow, SessionRow } from '@gatehouse/aggregator';
import type { Clock, CommandKind, LaneMode, Random, SiteLayout, SlotClass } from '@gatehouse/shared';
import type { Happening } from './happenings.js';
import type { PeoplePlan, SitePlan } from './scenario.js';

export type OperatorAct =
  | { readonly kind: 'command'; readonly siteId: string; readonly gateId: string; readonly command: CommandKind }
  /** Admit who waits. `arrivalKey` null: the one that waits; `slotId` null: the best free one. */
  | {
      readonly kind: 'admit';
      readonly siteId: string;
      readonly gateId: string;
      readonly arrivalKey: string | null;
      readonly slotId: string | null;
    }
  | {
      readonly kind: 'assign-slot';
      readonly siteId: string;
      readonly slotId: string | null;
      readonly plate: string | null;
    }
  | { readonly kind: 'release-slot'; readonly siteId: string; readonly slotId: string; readonly force: boolean }
  | {
      readonly kind: 'out-of-service';
      readonly siteId: string;
      readonly slotId: string;
      readonly outOfService: boolean;
    }
  | { readonly kind: 'correct-count'; readonly siteId: string; readonly count: number }
  | { readonly kind: 'put-layout'; readonly siteId: string; readonly layout: SiteLayout }
  | { readonly kind: 'release-holdings'; readonly siteId: string; readonly edgeId: string }
  | { readonly kind: 'revoke-edge'; readonly siteId: string; readonly edgeId: string }
  /** A new code for a registered edge, redeemed at once: its machine gets the new secret. */
  | { readonly kind: 'enrol-edge'; readonly siteId: string; readonly edgeId: string }
  | {
      readonly kind: 'resolve-review';
      readonly siteId: string;
      readonly reviewId: string;
      readonly sessionId: string | null;
    }
  | { readonly kind: 'override-recovery'; readonly siteId: string }
  | { readonly kind: 'move-session'; readonly siteId: string; readonly sessionId: string; readonly slotId: string }
  | { readonly kind: 'close-session'; readonly siteId: string; readonly sessionId: string }
  | {
      readonly kind: 'merge-sessions';
      readonly siteId: string;
      readonly sessionId: string;
      readonly duplicateSessionId: string;
    }
  /** Registers the vehicle if it is new. */
  | {
      readonly kind: 'block-vehicle';
      readonly siteId: string;
      readonly plate: string;
      readonly blocked: boolean;
    };

export interface ActResult {
  /** `failed`: nobody can say whether it was done, as when the aggregator died meanwhile. */
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly detail: string;
}

export interface DeskSlot {
  readonly slotId: string;
  readonly slotClass: SlotClass;
  readonly state: string;
  readonly heldBy: string | null;
  readonly frozen: boolean;
  readonly outOfService: boolean;
}

/** What a person sees on the screen: the memory of the living aggregator. */
export interface DeskView {
  readonly layout: SiteLayout;
  readonly vehiclesInside: number;
  readonly recovering: boolean;
  readonly slots: readonly DeskSlot[];
  readonly sessions: readonly Readonly<SessionRow>[];
  readonly arrivals: readonly { readonly arrivalKey: string; readonly gateId: string }[];
  readonly reviews: readonly Readonly<ReviewRow>[];
  /** As their edges told last; null while one has told nothing. */
  readonly gates: readonly { readonly gateId: string; readonly mode: LaneMode | null }[];
  readonly edges: readonly (Pick<EdgeRow, 'edgeId' | 'revokedAtMs'> & { readonly online: boolean })[];
}

export interface OperatorDesk {
  /** undefined while no aggregator is alive, or the site is unknown to it. */
  view(siteId: string): DeskView | undefined;
  /** Always settles, `failed` when the aggregator dies or does not answer within a minute; never rejects. */
  act(act: OperatorAct): Promise<ActResult>;
}

export interface PeoplePorts {
  readonly clock: Clock;
  readonly random: Random;
  /** People tell `operator-acted` themselves, when the answer is known. */
  readonly tell: (happening: Happening) => void;
  readonly desk: OperatorDesk;
  readonly sites: readonly SitePlan[];
  readonly plan: PeoplePlan;
}

export interface People {
  start(): void;
  /** From now on nobody acts, but for putting right what would stand in the way for ever: modes, revoked edges, layout, frozen slots. */
  rest(): void;
}

export type CreatePeople = (ports: PeoplePorts) => People;
