/**
 * The rules of the allowance protocol that keep it safe. Each can be left out, to see what it is for: `missedIn` names a scenario that
 * goes wrong without it.
 */
import type { ScenarioName } from './scenario.js';

export const protocolRules = {
  'newer-only': { text: 'an edge takes a set only if its version is above the one it has', missedIn: 'network' },
  'own-epoch': { text: 'an edge takes only sets of its own outbox epoch', missedIn: 'outbox' },
  'as-of': {
    text: 'an edge never takes from a set a slot that it gave out or returned after the last event the set knew of',
    missedIn: 'network',
  },
  'promised-once': { text: 'a slot that is promised to one vehicle is not promised to another', missedIn: 'network' },
  'both-sets-until-stored': {
    text: 'until a new set is stored, an edge gives out only what is in both the old and the new one',
    missedIn: 'network',
  },
  'admission-stored-first': { text: 'an admission is stored before the barrier opens', missedIn: 'network' },
  'discard-on-new-epoch': { text: 'an edge that begins a new outbox forgets its slots', missedIn: 'outbox' },
  'freeze-on-new-epoch': {
    text: 'what was held under a replaced outbox stays out of use until an operator has looked',
    missedIn: 'outbox',
  },
  'back-by-return-only': {
    text: 'a slot that was set aside is reused only when events of the edge give it back',
    missedIn: 'network',
  },
  'unchanged-set': { text: 'a set is never changed once it has a version', missedIn: 'network' },
  'commit-before-sending': { text: 'a set is sent only after it is stored', missedIn: 'network' },
  'as-of-in-transaction': {
    text: 'a set knows just those events that were applied when it was stored',
    missedIn: 'network',
  },
  'only-its-own-acceptance': { text: 'only the acceptance of the newest set settles it', missedIn: 'network' },
  remaining: {
    text: 'an acceptance that could not return everything yet frees only what it returned',
    missedIn: 'returns',
  },
  'acceptance-frees-never-held': {
    text: 'a complete acceptance frees also what the edge never had in its hands',
    missedIn: 'network',
  },
  'returned-leaves-newer-set': {
    text: 'a slot that came back or was given out leaves the newer set, too',
    missedIn: 'network',
  },
  'empty-set-after-restore': {
    text: 'after a restore an edge is trusted again only when it has accepted an empty set',
    missedIn: 'restored',
  },
  'leap-after-restore': {
    text: 'the empty set after a restore has a version above all that the lost store can have made',
    missedIn: 'restored',
  },
  'named-slot-taken': { text: 'a vehicle that went into a free slot takes it', missedIn: 'restored' },
  'named-slot-claimed': {
    text: 'a vehicle that went into a slot somebody else seems to have gets it when that one lets go',
    missedIn: 'restored-pair',
  },
  'open-arrivals-awaited': {
    text: 'after a restore, vehicles that may go by a forgotten decision are waited for',
    missedIn: 'restored',
  },
  'lost-twice-is-unknown': {
    text: 'an edge that lost its outbox when the store was restored, too, is trusted only by an operator who has looked',
    missedIn: 'lost-twice',
  },
} as const satisfies Record<string, { readonly text: string; readonly missedIn: ScenarioName }>;

export type RuleName = keyof typeof protocolRules;
export const ruleNames = Object.keys(protocolRules) as RuleName[];

/** Which rules hold. */
export type Rules = Readonly<Record<RuleName, boolean>>;

export const allRules: Rules = Object.fromEntries(ruleNames.map((name) => [name, true])) as Rules;

export function withoutRule(name: RuleName): Rules {
  return { ...allRules, [name]: false };
}
