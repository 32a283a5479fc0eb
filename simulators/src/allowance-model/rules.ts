/** The rules of the allowance protocol that keep it safe, each of which can be left out to see what it is for. */
export const ruleTexts = {
  'newer-only': 'an edge takes a set only if its version is above the one it has',
  'own-epoch': 'an edge takes only sets of its own outbox epoch',
  'as-of': 'an edge never takes from a set a slot that it gave out or returned after the last event the set knew of',
  'promised-once': 'a slot that is promised to one vehicle is not promised to another',
  'both-sets-until-stored': 'until a new set is stored, an edge gives out only what is in both the old and the new one',
  'admission-stored-first': 'an admission is stored before the barrier opens',
  'discard-on-new-epoch': 'an edge that begins a new outbox forgets its slots',
  'freeze-on-new-epoch': 'what was held under a replaced outbox stays out of use until an operator has looked',
  'back-by-return-only': 'a slot that was set aside is reused only when events of the edge give it back',
  'unchanged-set': 'a set is never changed once it has a version',
  'commit-before-sending': 'a set is sent only after it is stored',
  'as-of-in-transaction': 'a set knows just those events that were applied when it was stored',
  'only-its-own-acceptance': 'only the acceptance of the newest set settles it',
  remaining: 'an acceptance that could not return everything yet frees only what it returned',
  'acceptance-frees-never-held': 'a complete acceptance frees also what the edge never had in its hands',
  'returned-leaves-newer-set': 'a slot that came back or was given out leaves the newer set, too',
  'empty-set-after-restore': 'after a restore an edge is trusted again only when it has accepted an empty set',
  'leap-after-restore': 'the empty set after a restore has a version above all that the lost store can have made',
  'named-slot-taken': 'a vehicle that went into a free slot takes it',
  'named-slot-claimed': 'a vehicle that went into a slot somebody else seems to have gets it when that one lets go',
  'open-arrivals-awaited': 'after a restore, vehicles that may go by a forgotten decision are waited for',
  'lost-twice-is-unknown':
    'an edge that lost its outbox when the store was restored, too, is trusted only by an operator who has looked',
} as const;

export type RuleName = keyof typeof ruleTexts;
export const ruleNames = Object.keys(ruleTexts) as RuleName[];

/** Which rules hold. */
export type Rules = Readonly<Record<RuleName, boolean>>;

export const allRules: Rules = Object.fromEntries(ruleNames.map((name) => [name, true])) as Rules;

export function withoutRule(name: RuleName): Rules {
  return { ...allRules, [name]: false };
}
