/** One turn of the lane: the state as it becomes, with the facts and effects on the way. */
import type { Barrier, Health, LaneFact, LaneState, Orders, Vehicle } from './state.js';
import { evolve } from './state.js';
import type { LaneEffect, LaneEvent, LaneRules } from './vocabulary.js';

export interface Turn {
  state: LaneState;
  readonly rules: LaneRules;
  readonly facts: LaneFact[];
  readonly effects: LaneEffect[];
}

export function newTurn(state: LaneState, rules: LaneRules): Turn {
  return { state, rules, facts: [], effects: [] };
}

export function record(turn: Turn, fact: LaneFact): void {
  turn.facts.push(fact);
  turn.state = evolve(turn.state, fact);
}

export function report(turn: Turn, event: LaneEvent): void {
  record(turn, { type: 'reported', event });
}

export function want(turn: Turn, effect: LaneEffect): void {
  turn.effects.push(effect);
}

export function changeBarrier(turn: Turn, change: Partial<Barrier>): void {
  const { barrier } = turn.state;
  if (differs(barrier, change)) record(turn, { type: 'barrier-changed', barrier: { ...barrier, ...change } });
}

export function changeOrders(turn: Turn, change: Partial<Orders>): void {
  const { orders } = turn.state;
  if (differs(orders, change)) record(turn, { type: 'orders-changed', orders: { ...orders, ...change } });
}

export function changeHealth(turn: Turn, change: Partial<Health>): void {
  const { health } = turn.state;
  if (differs(health, change)) record(turn, { type: 'health-changed', health: { ...health, ...change } });
}

/** Changes the vehicle that is there; does nothing without one. */
export function changeVehicle(turn: Turn, change: Partial<Vehicle>): void {
  const { vehicle } = turn.state;
  if (vehicle === null || !differs(vehicle, change)) return;
  record(turn, { type: 'vehicle-changed', vehicle: { ...vehicle, ...change } });
}

function differs<T extends object>(whole: T, change: Partial<T>): boolean {
  return (Object.keys(change) as (keyof T)[]).some((key) => whole[key] !== change[key]);
}
