/** A lane on the bench: time, an arm that follows requests unless told not to, and a record of what the lane said and wanted. */
import type { Credential, Direction } from '@gatehouse/shared';
import { laneSettingsSchema } from '../../../src/app/settings.js';
import { decide, nextDeadlineMs } from '../../../src/domain/lane/lane.js';
import { evolve, newLane } from '../../../src/domain/lane/state.js';
import type { LaneState } from '../../../src/domain/lane/state.js';
import type {
  LaneEffect,
  LaneEvent,
  LaneHappening,
  LaneInput,
  LaneRules,
  OrderedMode,
} from '../../../src/domain/lane/vocabulary.js';

type Untimed<T> = T extends unknown ? Omit<T, 'atMs'> : never;

export interface BenchOptions {
  readonly rules?: Partial<LaneRules>;
  readonly wired?: readonly LaneInput[];
  /** Active at the start; default: the arm is closed. */
  readonly levels?: readonly LaneInput[];
  readonly mode?: OrderedMode;
  /** How long the arm takes; null: it does not follow. Default 1000. */
  readonly armMs?: number | null;
}

const allInputs: readonly LaneInput[] = [
  'arming',
  'safety',
  'photocell',
  'limit-open',
  'limit-closed',
  'fire',
  'tamper',
  'ticket-button',
  'stop',
];

export class Bench {
  readonly rules: LaneRules;
  readonly events: LaneEvent[] = [];
  readonly effects: LaneEffect[] = [];
  state: LaneState;
  nowMs = 1_000;
  armMs: number | null;
  readonly #wired: ReadonlySet<LaneInput>;
  readonly #active: Set<LaneInput>;
  #arm: { atMs: number; input: LaneInput; active: boolean }[] = [];
  /** Looks at every effect as it comes, with the state at that moment. */
  watch: (effect: LaneEffect, state: LaneState) => void = () => undefined;

  constructor(options: BenchOptions = {}) {
    this.rules = { ...laneSettingsSchema.parse({}), direction: 'entry', hasReader: false, ...options.rules };
    this.armMs = options.armMs === undefined ? 1_000 : options.armMs;
    this.#wired = new Set(options.wired ?? allInputs);
    this.#active = new Set(options.levels ?? (this.#wired.has('limit-closed') ? ['limit-closed'] : []));
    this.state = newLane(this.nowMs);
    const levels = new Map([...this.#wired].map((input) => [input, this.#active.has(input)] as const));
    this.happen({ type: 'started', levels, mode: options.mode ?? 'automatic' });
  }

  happen(happening: Untimed<LaneHappening>): this {
    const before = this.state;
    const outcome = decide(before, { ...happening, atMs: this.nowMs }, this.rules);
    const folded = outcome.facts.reduce(evolve, before);
    if (JSON.stringify(folded) !== JSON.stringify(outcome.state)) throw new Error('facts do not give the state');
    this.state = outcome.state;
    for (const fact of outcome.facts) if (fact.type === 'reported') this.events.push(fact.event);
    for (const effect of outcome.effects) {
      this.effects.push(effect);
      this.watch(effect, this.state);
      this.#armFollows(effect);
    }
    return this;
  }

  on(...inputs: LaneInput[]): this {
    for (const input of inputs) this.#set(input, true);
    return this;
  }

  off(...inputs: LaneInput[]): this {
    for (const input of inputs) this.#set(input, false);
    return this;
  }

  isActive(input: LaneInput): boolean {
    return this.#active.has(input);
  }

  /** Time goes by; the lane is told when it asked to be, the arm moves. */
  after(durationMs: number): this {
    const untilMs = this.nowMs + durationMs;
    for (;;) {
      const armAtMs = this.#arm[0]?.atMs ?? Infinity;
      const laneAtMs = nextDeadlineMs(this.state, this.rules);
      const nextMs = Math.min(armAtMs, laneAtMs);
      if (nextMs > untilMs) break;
      this.nowMs = nextMs;
      if (armAtMs <= laneAtMs) {
        const step = this.#arm.shift();
        if (step !== undefined) this.#set(step.input, step.active);
      } else this.happen({ type: 'time-passed' });
    }
    this.nowMs = untilMs;
    return this;
  }

  /** The arrival that waits for a decision now. */
  get asked(): number {
    const asked = this.effects.filter((effect) => effect.type === 'ask-decision').at(-1);
    if (asked === undefined) throw new Error('nobody was asked about');
    return asked.arrivalId;
  }

  admit(slotId: string | null = 'a1', arrivalId = this.asked): this {
    return this.decide({ arrivalId, outcome: 'admit', slotId, slotLabel: slotId });
  }

  deny(arrivalId = this.asked): this {
    return this.decide({ arrivalId, outcome: 'deny', reason: 'full' });
  }

  decide(change: Partial<Extract<LaneHappening, { type: 'decision' }>>): this {
    return this.happen({
      type: 'decision',
      arrivalId: change.arrivalId ?? this.asked,
      revision: 1,
      basis: 'decision',
      outcome: 'admit',
      slotId: null,
      slotLabel: null,
      reason: null,
      ...change,
    });
  }

  read(value: string, change: Partial<Credential> & { trackId?: string; direction?: Direction } = {}): this {
    const { trackId, direction, ...rest } = change;
    const credential: Credential = { kind: 'plate', value, source: 'camera', confidence: 0.95, ...rest };
    return this.happen({ type: 'read', credential, readAtMs: this.nowMs, trackId, direction });
  }

  order(kind: 'open' | 'close' | 'hold-open' | 'lock' | 'automatic'): this {
    return this.happen({ type: 'command', commandId: `command-${kind}`, kind, by: 'operator' });
  }

  /** A vehicle that stands on the arming loop, admitted, with the arm open. */
  admitted(): this {
    return this.on('arming').admit().after(2_000);
  }

  /** Drives on from the arming loop in the plain way. */
  passes(stepMs = 500): this {
    return this.after(stepMs).on('safety').after(stepMs).off('arming').after(stepMs).off('safety');
  }

  get kinds(): string[] {
    return this.events.map((event) => event.kind);
  }

  /** What was asked of the arm. */
  get requests(): string[] {
    return this.effects
      .filter(({ type }) => type === 'request-open' || type === 'request-close' || type === 'hold-open')
      .map((effect) => {
        if (effect.type === 'hold-open') return effect.holdOpen ? 'hold' : 'release';
        return effect.type === 'request-open' ? 'open' : 'close';
      });
  }

  get answers(): string[] {
    return this.effects.flatMap((effect) => (effect.type === 'answer-command' ? [effect.result] : []));
  }

  #set(input: LaneInput, active: boolean): void {
    if (!this.#wired.has(input) || this.#active.has(input) === active) return;
    if (active) this.#active.add(input);
    else this.#active.delete(input);
    this.happen({ type: 'edge', input, active });
  }

  #armFollows(effect: LaneEffect): void {
    const opening = effect.type === 'request-open' || (effect.type === 'hold-open' && effect.holdOpen);
    const closing = effect.type === 'request-close';
    if (this.armMs === null || (!opening && !closing)) return;
    const from = opening ? 'limit-closed' : 'limit-open';
    const to = opening ? 'limit-open' : 'limit-closed';
    this.#arm = [
      { atMs: this.nowMs + Math.min(100, this.armMs / 2), input: from, active: false },
      { atMs: this.nowMs + this.armMs, input: to, active: true },
    ];
  }
}
