/** Stories that are longer than those which are enumerated, told to the protocol and to the site engine of production. */
import { describe, expect, it } from '@jest/globals';
import { createEngineHalf } from '../../src/allowance-model/engine-half.js';
import { createEndJudge, wrongNow } from '../../src/allowance-model/judge.js';
import { createKeys } from '../../src/allowance-model/key.js';
import { createModelHalf } from '../../src/allowance-model/model-half.js';
import { movesFrom } from '../../src/allowance-model/moves.js';
import { allRules } from '../../src/allowance-model/rules.js';
import { scenarios } from '../../src/allowance-model/scenario.js';
import { newWorld } from '../../src/allowance-model/state.js';

const halves = [
  { name: 'the protocol', half: createModelHalf(allRules) },
  { name: 'the site engine', half: createEngineHalf({ look: true }) },
];

/** Edge 2 has the slot reserved in the copy, and its vehicle leaves unserved after it was made. */
const reservedInTheCopy = [
  /comes to edge 2/,
  /copy is made/,
  /leaves edge 2 unserved/,
  /applies event 2 of edge 2/,
] as const;

const emptySet = (edge: number, seq: number): RegExp[] => {
  const name = `edge ${String(edge)}`;
  return [
    new RegExp(`makes set \\d+ \\{\\} as of \\d+ for ${name}`),
    new RegExp(`${name} takes set \\d+ \\{\\}`),
    new RegExp(`${name} begins`),
    new RegExp(`${name} has stored`),
    new RegExp(`applies event ${String(seq)} of ${name}`),
  ];
};

/** Plays the steps, and from each state what follows when faults stop; answers what is wrong. */
function play(half: (typeof halves)[number]['half'], steps: readonly RegExp[]): string | null {
  const scenario = { ...scenarios['restored-pair'], maxEvents: 9, maxSets: 9 };
  const game = { scenario, rules: allRules, half };
  const judge = createEndJudge(game, createKeys(scenario, half));
  let world = newWorld(scenario.edges, half.begin(scenario.edges, scenario.slots));
  for (const step of steps) {
    const moves = movesFrom(world, game);
    const move = moves.find(({ text }) => step.test(text));
    // An aggregator that is more careful does not trust the edge yet: the story goes on without that.
    if (move === undefined && step.source.includes('trusts')) continue;
    if (move === undefined) throw new Error(`no ${String(step)} in\n${moves.map(({ text }) => text).join('\n')}`);
    world = move.world;
    const wrong = wrongNow(world) ?? judge(world)?.wrong;
    if (wrong !== undefined) return `${move.text}: ${wrong}`;
  }
  return null;
}

describe.each(halves)('after a restore, $name', ({ half }) => {
  it('does not give away a slot to which a vehicle is on its way that an edge let in by itself', () => {
    const story = [
      ...reservedInTheCopy,
      ...[/makes set 1 \{a\}.*edge 1/, /edge 1 takes set 1/, /edge 1 begins/, /edge 1 has stored/],
      ...[/applies event 1 of edge 1/, /edge 1, alone, gives slot a to a vehicle/, /edge 1 has stored/],
      ...[/replaced by its copy/, /applies event 1 of edge 1/, /applies event 2 of edge 1/],
      ...[...emptySet(1, 3), /trusts edge 1/, /applies event 2 of edge 2/],
    ];
    expect(play(half, [...story, ...emptySet(2, 3), /trusts edge 2/])).toBeNull();
  });

  it('keeps a slot for the vehicle that is in it although another went there before, and both were news', () => {
    const story = [
      ...reservedInTheCopy,
      ...[/comes to edge 1/, /edge 1 lets the vehicle of event 1 in/, /slot a passes/, /applies event 2 of edge 1/],
      ...[/leaves the site/, /applies event 3 of edge 1/],
      ...[/comes to edge 1/, /edge 1 lets the vehicle of event 4 in/, /slot a passes/],
      /replaced by its copy/,
      ...[1, 2, 3, 4, 5].map((seq) => new RegExp(`applies event ${String(seq)} of edge 1`)),
      ...[...emptySet(1, 6), /trusts edge 1/, /applies event 2 of edge 2/],
    ];
    expect(play(half, [...story, ...emptySet(2, 3), /trusts edge 2/])).toBeNull();
  });
});
