/** How the worked sequences are written: who they are about, and one message of them. */
import { edgeTopic } from '@gatehouse/shared';
import type { CentreToEdgeChannel, EdgeToCentreChannel, GateState } from '@gatehouse/shared';

export const siteId = 'demo';
export const edgeId = 'north';
export const slot = { slotId: 'a-017', zoneId: 'a', label: 'A 17', slotClass: 'standard' } as const;

export type Line = string;

export function gates(barrier: GateState['barrier'] = 'closed'): GateState[] {
  const closed = barrier === 'closed';
  const sensors = { arming: false, safety: false, 'limit-open': false, 'limit-closed': closed };
  return [
    {
      gateId: 'entry-1',
      direction: 'entry',
      barrier,
      mode: 'automatic',
      sensors,
      faults: [],
      arrival: null,
      vehicleClass: null,
    },
    {
      gateId: 'exit-1',
      direction: 'exit',
      barrier,
      mode: 'automatic',
      sensors,
      faults: [],
      arrival: null,
      vehicleClass: null,
    },
  ];
}

export function toCentre(channel: EdgeToCentreChannel, payload: object): Line {
  return message('edge → centre', edgeTopic(siteId, edgeId, channel), payload);
}

export function toEdge(channel: CentreToEdgeChannel, payload: object): Line {
  return message('centre → edge', edgeTopic(siteId, edgeId, channel), payload);
}

export function message(direction: string, topic: string, payload: object): Line {
  return `${direction} \`${topic}\`\n\n${code('json', JSON.stringify(payload, null, 2))}`;
}

export function code(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
