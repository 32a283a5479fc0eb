/** What an edge tells of itself while nobody stands at its gates and nothing is wrong with it. */
import type { OnlineState } from '@gatehouse/shared';

export interface QuietGate {
  readonly gateId: string;
  readonly direction: 'entry' | 'exit';
}

type Told = Pick<OnlineState, 'instance' | 'epoch' | 'next' | 'acked' | 'allowanceVersion' | 'clock' | 'outboxBytes'>;

export function quietState(told: Told, gates: readonly QuietGate[]): OnlineState {
  return {
    ...told,
    presence: 'online',
    version: '1.0.0',
    oldest: 1,
    faults: [],
    gates: gates.map(({ gateId, direction }) => ({
      gateId,
      direction,
      barrier: 'closed',
      mode: 'automatic',
      sensors: { arming: false, safety: false, 'limit-open': false, 'limit-closed': true },
      faults: [],
      arrival: null,
      vehicleClass: null,
    })),
  };
}
