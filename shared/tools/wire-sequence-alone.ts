/** The worked sequence of an allowance: made, used while the edge is alone, partly taken back. */
import type { Allowance } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { gates, slot, toCentre, toEdge } from './wire-sequence-writing.js';
import type { Line } from './wire-sequence-writing.js';
import type { StoryEdge } from './wire-story.js';

export function aloneAtTheGate(edge: StoryEdge): Line[] {
  const digest = (value: string): string => sha256(`${edge.epoch}:plate:${value}`);
  const bay = (number: number) => ({ ...slot, slotId: `a-0${String(number)}`, label: `A ${String(number)}` });
  const arrive = (value: string): number =>
    edge.happen('vehicle-arrived', {
      gateId: 'entry-1',
      direction: 'entry',
      credential: { kind: 'plate', value, source: 'camera-1', confidence: 0.95 },
      vehicleClass: null,
      supersedes: null,
    });
  edge.wait(1_000);
  const first = { epoch: edge.epoch, version: 1, asOf: 3, slots: [bay(40), bay(41)] };
  const access = { version: 1, pages: 2, unlisted: 'admit' } as const;
  const pages: Allowance[] = [
    { ...first, access: { ...access, page: 1, entries: [{ digest: digest('ZZ99XYZ'), rule: 'blocked' }] } },
    { ...first, access: { ...access, page: 2, entries: [{ digest: digest('CD34EFG'), rule: 'permitted' }] } },
  ];
  edge.happen('allowance-accepted', { version: 1, returned: [], remaining: 0 });
  const accepted = edge.batch(4, 4, []);
  edge.acked = 4;
  const acceptedAck = edge.ack(4);
  edge.allowanceVersion = 1;
  edge.wait(7_200_000);
  const arrival = arrive('GH56IJK');
  edge.happen('vehicle-admitted', { gateId: 'entry-1', arrival, slotId: 'a-040', basis: 'allowance' });
  edge.wait(6_000);
  const passage = { gateId: 'entry-1', arrival, slotId: 'a-040', basis: 'allowance' } as const;
  edge.happen('vehicle-passed', { ...passage, direction: 'entry', flags: [] });
  edge.wait(30_000);
  const blocked = arrive('ZZ99XYZ');
  edge.happen('vehicle-denied', { gateId: 'entry-1', arrival: blocked, reason: 'blocked' });
  edge.wait(20_000);
  edge.happen('arrival-void', { gateId: 'entry-1', arrival: blocked, slotId: null, basis: 'none', reason: 'left' });
  edge.wait(600_000);
  edge.lastDecisionMs = 1_500;
  const state = edge.state(gates());
  const stands = edge.ack(4);
  const second: Allowance = {
    ...{ epoch: edge.epoch, version: 2, asOf: 4, slots: [bay(40), bay(42)] },
    access: { version: 1, page: 1, pages: 2, unlisted: 'admit', entries: pages[0]?.access.entries ?? [] },
  };
  edge.happen('allowance-accepted', { version: 2, returned: ['a-041'], remaining: 0 });
  const resent = edge.batch(5, 11, []);
  edge.acked = 11;
  return [
    '## Alone at the gate',
    'After an acknowledgement the aggregator sets two slots aside. Its access list does not fit in one message of this story, so the set comes twice, with one page each: the same `version`, `asOf` and `slots`. It is sent again in answer to every `state` until it is accepted.',
    ...pages.map((page) => toEdge('allowance', page)),
    'With both pages there, the edge stores the set, the list and the event in one transaction:',
    toCentre('events', accepted),
    toEdge('acks', acceptedAck),
    'The network is cut. A vehicle nobody has listed arrives: `unlisted` admits it, and it gets A 40 (events 5 to 7). The next one’s digest is on the list as blocked, and it stays outside (events 8 to 10).',
    'The network is back. The edge says how it is:',
    toCentre('state', state),
    'The aggregator has not seen events 5 to 10 yet: `asOf` is 4. Meanwhile A 41 is wanted back, and A 42 is set aside in its place. The list is the one of before, so that its first page says enough.',
    toEdge('acks', stands),
    toEdge('allowance', second),
    'The edge does not take A 40 from this set: it gave it out with event 6, after `asOf`. It takes A 42, returns A 41, and has nothing beyond the set.',
    toCentre('events', resent),
    toEdge('acks', edge.ack(11)),
    'A 41 is free again with event 11, and not a moment before.',
  ];
}
