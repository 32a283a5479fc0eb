/** The model's steps in words. */
import type { LoggedEvent, Pending, SetMessage } from './state.js';
import { slotName } from './state.js';

export function edgeName(number: number): string {
  return `edge ${String(number + 1)}`;
}

export function slotList(slots: readonly number[]): string {
  return `{${slots.map(slotName).join(' ')}}`;
}

export function describePending(pending: Pending): string {
  if (pending.kind === 'admitted') return `the admission to slot ${slotName(pending.slot)}`;
  const { set, acceptance } = pending;
  const returned = acceptance === null ? '' : `, returning {${acceptance.returned.join(' ')}}`;
  return `set ${String(set.version)}${returned}`;
}

export function describeEvent(event: LoggedEvent): string {
  switch (event.kind) {
    case 'arrived':
      return 'vehicle-arrived';
    case 'admitted':
      return `vehicle-admitted, slot ${slotName(event.slot)}`;
    case 'passed':
      return `vehicle-passed, slot ${slotName(event.slot)}`;
    case 'backed-out':
      return `vehicle-backed-out, of event ${String(event.arrival)}`;
    case 'left':
      return `the vehicle of event ${String(event.arrival)} left`;
    case 'accepted': {
      const rest = event.remaining === 0 ? '' : `, ${String(event.remaining)} remaining`;
      return `allowance-accepted ${String(event.version)}, returned ${slotList(event.returned)}${rest}`;
    }
  }
}

export function describeSet({ version, slots, asOf }: Pick<SetMessage, 'version' | 'slots' | 'asOf'>): string {
  return `set ${String(version)} ${slotList(slots)} as of ${String(asOf)}`;
}
