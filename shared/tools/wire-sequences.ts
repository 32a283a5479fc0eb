/**
 * Worked message sequences, told by one edge of a demonstration site. `scripts/generate.mjs` writes them to
 * docs/reference/wire-sequences.md; a test reads that page, parses every message and follows the hashes.
 */
import { occupancyTopic } from '@gatehouse/shared';
import type { Command, Occupancy } from '@gatehouse/shared';
import { aloneAtTheGate } from './wire-sequence-alone.js';
import { code, edgeId, gates, message, siteId, slot, toCentre, toEdge } from './wire-sequence-writing.js';
import type { Line } from './wire-sequence-writing.js';
import { StoryEdge } from './wire-story.js';

const firstInstance = 'c41e9b7a2f6d4d0fb1a5830c6e927d14';
const firstEpoch = '5f0c2a9d8e7b41633a1d9c04b7e6f251';

/** The page. */
export function wireSequences(): string {
  const edge = new StoryEdge({
    instance: firstInstance,
    epoch: firstEpoch,
    bootId: '9e3b60d2a7144c8d85f1c2b6407ea93d',
    atMs: Date.UTC(2026, 4, 4, 6, 30),
  });
  return [
    introduction,
    ...enrolment(edge),
    ...arrivalToPassage(edge),
    ...denial(edge),
    ...unanswered(edge),
    ...reconnect(edge),
    ...restart(edge),
    ...gap(edge),
    ...restored(edge),
    ...command(edge),
    ...clone(edge),
    ...aloneAtTheGate(edge),
    '',
  ].join('\n\n');
}

const introduction = `# Worked message sequences

Made by \`npm run generate\` from \`shared/tools/wire-sequences.ts\`; a test parses every message here and follows the hashes.
The rules behind them are in [wire.md](wire.md).

The sequences are one story: edge \`${edgeId}\` of site \`${siteId}\` with one entry gate and one exit gate. Every message is complete.
A payload may be spaced and ordered in any way; the canonical form matters only under the hash.`;

function enrolment(edge: StoryEdge): Line[] {
  return [
    '## Enrolment and the first connection',
    'An administrator registered the edge and got a one-time code. The installer redeems it over HTTP, without a key:',
    code('http', 'POST /api/v1/enrolments\nContent-Type: application/json\n\n{"code":"K7QD-2MNX-9TRV-4HWP"}'),
    code(
      'http',
      `HTTP/1.1 201 Created\nContent-Type: application/json\n\n{"siteId":"${siteId}","edgeId":"${edgeId}","username":"${edgeId}","password":"5b1f…64 digits","mqttUrl":"mqtt://localhost:1883"}`,
    ),
    `The edge creates its outbox, draws the epoch \`${edge.epoch}\`, then connects: MQTT 3.1.1, clean session, client id and user name \`${edgeId}\`, the
password from above, and this last will on its \`state\` topic, QoS 1, retained:`,
    toCentre('state', { presence: 'offline', instance: edge.instance }),
    'It subscribes at QoS 1 to `acks`, `decisions`, `commands` and `allowance` under its own prefix, then says how it is. Nothing has happened yet: the next event will be the first.',
    toCentre('state', edge.state(gates())),
    'The aggregator answers every state with where it stands. It has nothing of this epoch; the hash is the SHA-256 of the epoch’s 32 digits.',
    toEdge('acks', edge.ack(0)),
  ];
}

function arrivalToPassage(edge: StoryEdge): Line[] {
  edge.wait(42_000);
  const arrival = edge.happen('vehicle-arrived', {
    gateId: 'entry-1',
    direction: 'entry',
    credential: { kind: 'plate', value: 'AB12CDE', source: 'camera-1', confidence: 0.97 },
    vehicleClass: null,
    supersedes: null,
  });
  const arrived = edge.batch(1, 1, [arrival]);
  edge.acked = 1;
  const firstAck = edge.ack(1);
  const admit = edge.decision(arrival, {
    outcome: 'admit',
    sessionId: 'a90d17c35be24f68b2c4e07f1d9638aa',
    slot,
    reason: null,
  });
  edge.wait(6_400);
  edge.happen('vehicle-passed', {
    gateId: 'entry-1',
    direction: 'entry',
    arrival,
    slotId: slot.slotId,
    basis: 'decision',
    flags: [],
  });
  const passed = edge.batch(2, 2, []);
  edge.acked = 2;
  const occupancy: Occupancy = {
    siteId,
    atMs: Date.UTC(2026, 4, 4, 6, 30, 48, 900),
    vehiclesInside: 1,
    capacity: 60,
    free: 59,
    zones: [{ zoneId: 'a', free: 59, total: 60 }],
    classes: [{ slotClass: 'standard', free: 59, total: 60 }],
  };
  return [
    '## From arrival to passage',
    'A vehicle stands before the entry. The event is committed to the outbox, then sent. `waiting` says that the vehicle still wants an answer.',
    toCentre('events', arrived),
    'The aggregator stores the event, the reservation of the slot and the decision in one transaction, and only then sends ack and decision, in either order:',
    toEdge('acks', firstAck),
    toEdge('decisions', admit),
    'The gate opens. The vehicle drives over both loops and is through; the slot is occupied from here on.',
    toCentre('events', passed),
    toEdge('acks', edge.ack(2)),
    'Signs hear of it on the retained occupancy of the site:',
    message('centre → signs', occupancyTopic(siteId), occupancy),
  ];
}

function denial(edge: StoryEdge): Line[] {
  edge.wait(30_000);
  const arrival = edge.happen('vehicle-arrived', {
    gateId: 'entry-1',
    direction: 'entry',
    credential: { kind: 'plate', value: 'ZZ99XYZ', source: 'camera-1', confidence: 0.93 },
    vehicleClass: null,
    supersedes: null,
  });
  const arrived = edge.batch(3, 3, [arrival]);
  edge.acked = 3;
  const ack = edge.ack(3);
  edge.wait(20_000);
  edge.happen('arrival-void', { gateId: 'entry-1', arrival, slotId: null, basis: 'none', reason: 'left' });
  const left = edge.batch(4, 4, []);
  edge.acked = 4;
  return [
    '## A vehicle that is turned away',
    toCentre('events', arrived),
    toEdge('acks', ack),
    toEdge('decisions', edge.decision(arrival, { outcome: 'deny', sessionId: null, slot: null, reason: 'blocked' })),
    'The gate stays closed and the sign says why. When the vehicle backs away, the arrival ends:',
    toCentre('events', left),
    toEdge('acks', edge.ack(4)),
  ];
}

function unanswered(edge: StoryEdge): Line[] {
  edge.wait(15_000);
  const arrival = edge.happen('vehicle-arrived', {
    gateId: 'exit-1',
    direction: 'exit',
    credential: { kind: 'plate', value: 'AB12CDE', source: 'camera-2', confidence: 0.95 },
    vehicleClass: null,
    supersedes: null,
  });
  const arrived = edge.batch(5, 5, [arrival]);
  edge.wait(1_500);
  edge.happen('vehicle-admitted', { gateId: 'exit-1', arrival, slotId: null, basis: 'exit-alone' });
  edge.wait(5_000);
  edge.happen('vehicle-passed', {
    gateId: 'exit-1',
    direction: 'exit',
    arrival,
    slotId: null,
    basis: 'exit-alone',
    flags: [],
  });
  return [
    '## No answer in time',
    'A vehicle at the exit; the event is sent, and no decision comes within the time-out of 1,500 ms.',
    toCentre('events', arrived),
    'The exit opens by itself. That is an event of its own, committed before the barrier is asked to open; then the vehicle passes. Both wait in the outbox (events 6 and 7). A decision that comes now is ignored: the first of the two counts.',
  ];
}

function reconnect(edge: StoryEdge): Line[] {
  edge.wait(4_000);
  edge.lastDecisionMs = 1_500;
  const state = edge.state(gates());
  const resent = edge.batch(5, 7, []);
  edge.acked = 7;
  return [
    '## Reconnect, with duplicates',
    'The connection had broken; the broker published the last will. In truth event 5 had arrived and was stored, and its acknowledgement was lost. The edge connects again and says how it is: 4 is the last it knows of.',
    toCentre('state', { presence: 'offline', instance: edge.instance }),
    toCentre('state', state),
    'The aggregator answers where it stands:',
    toEdge('acks', edge.ack(5)),
    'That answer may cross with what the edge resends from its own knowledge, event 5 once more. It is the same event with the same hash, so it is dropped, and 6 and 7 are applied. The vehicle has left: nothing waits.',
    toCentre('events', resent),
    toEdge('acks', edge.ack(7)),
  ];
}

function restart(edge: StoryEdge): Line[] {
  edge.wait(60_000);
  const arrival = edge.happen('vehicle-arrived', {
    gateId: 'entry-1',
    direction: 'entry',
    credential: { kind: 'plate', value: 'CD34EFG', source: 'camera-1', confidence: 0.9 },
    vehicleClass: null,
    supersedes: null,
  });
  const arrived = edge.batch(8, 8, [arrival]);
  edge.acked = 8;
  const ack = edge.ack(8);
  const admit = edge.decision(arrival, {
    outcome: 'admit',
    sessionId: '3e7f5a90c1d24b68a0b9d2f4e8c17365',
    slot: { ...slot, slotId: 'a-018', label: 'A 18' },
    reason: null,
  });
  const before = edge.instance;
  edge.instance = '7ad0e3c95b814f26a6f2d41c08b9e573';
  edge.bootId = '40c7b1e2d9f84a3685e1a7c3f60b2d98';
  edge.lastDecisionMs = null;
  edge.wait(25_000);
  edge.happen('arrival-unresolved', { gateId: 'entry-1', arrival, slotId: 'a-018', basis: 'decision' });
  const state = edge.state(gates('unknown'));
  const unresolved = edge.batch(9, 9, []);
  edge.acked = 9;
  return [
    '## The agent restarts with a vehicle at the gate',
    toCentre('events', arrived),
    toEdge('acks', ack),
    toEdge('decisions', admit),
    `The power fails. The broker publishes the last will of instance \`${before}\`. When the agent runs again, it is another instance with the same outbox. It cannot know what became of the vehicle, and says so before anything else; where the arm is, it does not assume either.`,
    toCentre('state', state),
    toEdge('acks', { ...edge.ack(8) }),
    toCentre('events', unresolved),
    toEdge('acks', edge.ack(9)),
    'The slot is occupied but unconfirmed now, and a review asks a person.',
  ];
}

function gap(edge: StoryEdge): Line[] {
  const fault = { gateId: 'entry-1', fault: 'loop-chatter' } as const;
  edge.wait(600_000);
  edge.happen('fault-raised', { ...fault, detail: '24 edges in 10 s' });
  edge.wait(60_000);
  edge.happen('fault-cleared', fault);
  edge.wait(60_000);
  edge.happen('barrier-forced', { gateId: 'entry-1' });
  edge.oldest = 12;
  const state = edge.state(gates());
  const batch = edge.batch(12, 12, []);
  edge.acked = 12;
  return [
    '## A gap',
    'Events 10 and 11 are gone before they were acknowledged: part of the storage was destroyed. The edge does not hide it. The oldest event it keeps is 12:',
    toCentre('state', state),
    'The aggregator will never get 10 and 11. It records the gap, opens a review, and takes what comes next. It cannot know the hash after event 11, so that this answer claims nothing:',
    toEdge('acks', edge.ack(0)),
    'The edge sends from the oldest event it keeps. Here alone `prevHash` is taken on trust.',
    toCentre('events', batch),
    toEdge('acks', edge.ack(12)),
  ];
}

function restored(edge: StoryEdge): Line[] {
  edge.wait(3_600_000);
  edge.happen('fault-raised', { gateId: 'exit-1', fault: 'held-open', detail: 'open for 120 s' });
  edge.wait(30_000);
  edge.happen('fault-cleared', { gateId: 'exit-1', fault: 'held-open' });
  edge.acked = 14;
  edge.wait(600_000);
  const state = edge.state(gates());
  return [
    '## An aggregator restored from a backup',
    'Events 13 and 14 were sent and acknowledged. Then the aggregator’s disk is replaced and its store restored from a backup that ends with event 12 of this edge. The edge has been told of 14 (`acked`), and keeps acknowledged events for seven days.',
    toCentre('state', state),
    'The aggregator sees that the edge was told more than it has: until every edge with an entry has sent again what it kept, the site gives out no free slot. It answers with what it has.',
    toEdge('acks', edge.ack(12)),
    'The edge takes that as the truth and sends again from there.',
    toCentre('events', edge.batch(13, 14, [])),
    toEdge('acks', edge.ack(14)),
  ];
}

function command(edge: StoryEdge): Line[] {
  edge.wait(90_000);
  const state = edge.state(gates());
  const wish: Command = {
    instance: edge.instance,
    id: '1d5c8f03e6ba4927a8d4f0b35c7e6192',
    gateId: 'entry-1',
    kind: 'open',
    deadlineMono: edge.monoMs + 5_000,
    by: 'night desk',
    reason: 'intercom call',
  };
  edge.wait(300);
  edge.happen('command-completed', { gateId: 'entry-1', commandId: wish.id, result: 'done', detail: '' });
  const done = edge.batch(15, 15, []);
  edge.acked = 15;
  return [
    '## A command',
    'The aggregator knows the edge’s monotonic clock from its state, and puts the deadline on it: 5 s from now.',
    toCentre('state', state),
    toEdge('acks', edge.ack(14)),
    toEdge('commands', wish),
    toCentre('events', done),
    toEdge('acks', edge.ack(15)),
    'The same command again, duplicated on the way, does nothing: its id has been carried out. After the deadline it would be answered with the result `expired`.',
  ];
}

function clone(edge: StoryEdge): Line[] {
  edge.wait(86_400_000);
  const arrival = edge.happen('vehicle-arrived', {
    gateId: 'entry-1',
    direction: 'entry',
    credential: null,
    vehicleClass: null,
    supersedes: null,
  });
  edge.happen('vehicle-denied', { gateId: 'entry-1', arrival, reason: 'no-allowance' });
  edge.happen('arrival-void', { gateId: 'entry-1', arrival, slotId: null, basis: 'none', reason: 'left' });
  const batch = edge.batch(16, 18, []);
  const conflict = { ...edge.ack(15, 'hash-mismatch'), upTo: 17, hash: 'e0'.repeat(32) };
  edge.beginEpoch('d86b0f2e47a94c13b5e9170c8a3f62d4');
  edge.lastDecisionMs = 1_500;
  const state = edge.state(gates());
  const none = edge.ack(0);
  const resent = edge.batch(1, 3, []);
  edge.acked = 3;
  const done = edge.ack(3);
  return [
    '## A copied outbox, and a new epoch',
    'Somebody copied the edge’s storage, and the copy was run for a while: it wrote other events 16 and 17. Then the true edge comes back with its own 16 to 18.',
    toCentre('events', batch),
    'The numbers go on but the hashes do not. The aggregator applies nothing, says so, and raises an alarm. `upTo` and `hash` are what it has.',
    toEdge('acks', conflict),
    'The edge begins a new epoch. What was not acknowledged goes into it again with `origin`: where the event stood first. A reference to an arrival always means the epoch of its batch: `arrival: 16` becomes `arrival: 1`.',
    toCentre('state', state),
    toEdge('acks', none),
    toCentre('events', resent),
    'The aggregator drops those whose (epoch, seq, hash) it has, and applies or reviews the others. Slots that were held or reserved under the old epoch stay frozen until an operator releases them.',
    toEdge('acks', done),
    'With the old epoch went the old allowance, and the access list with it.',
  ];
}
