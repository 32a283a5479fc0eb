import type { Defect } from './defect.js';

const domain = 'edge-agent/src/domain';
const app = 'edge-agent/src/app';

export const edgeDefects: readonly Defect[] = [
  {
    name: 'published-before-commit',
    breaks: 'Events are announced while the outbox is still writing them.',
    edits: [
      {
        file: `${app}/recorder.ts`,
        find: '    this.#end = write.end;\n    this.#recent.push(...write.events);\n',
        replace: '',
      },
      {
        file: `${app}/recorder.ts`,
        find: '    await store.append({\n      events: write.events,',
        replace: `    this.#end = write.end;
    this.#recent.push(...write.events);
    this.#listener.onCommitted(0, write.events.length);
    await store.append({
      events: write.events,`,
      },
    ],
    promises: ['published-before-durable'],
    focus: { withFaults: [] },
    maxSeeds: 3,
  },
  {
    name: 'epoch-kept-after-disk-loss',
    breaks: 'The epoch of an outbox is made of the edge’s name, so that a new disk goes on under the old epoch.',
    edits: [
      {
        file: `${app}/edge-agent.ts`,
        find: 'await this.#recorder.open(random.hex(16));',
        replace: 'await this.#recorder.open(this.#ports.sha256(this.#settings.edgeId).slice(0, 32));',
      },
    ],
    promises: ['epoch-reused'],
    focus: { withFaults: ['outbox-replaced-by-empty'] },
    maxSeeds: 10,
  },
  {
    name: 'not-all-carried-over',
    breaks: 'The first event that was not acknowledged does not go over into a new epoch.',
    edits: [
      {
        file: `${app}/take-along.ts`,
        find: '  yield* unacknowledged(store, epoch);\n}',
        replace: '  for await (const page of unacknowledged(store, epoch)) yield page.slice(1);\n}',
      },
    ],
    promises: ['event-not-carried-over'],
    focus: { withFaults: ['outbox-replaced-by-copy', 'edge-cloned'] },
    maxSeeds: 30,
  },
  {
    name: 'set-taken-without-as-of',
    breaks: 'A set of slots is taken as it is, also slots that were given out after it was made.',
    edits: [
      {
        file: `${domain}/admission/allowance.ts`,
        find: 'knowsPartings && !mine.has(slotId) && !partedSince.has(slotId)',
        replace: '!mine.has(slotId)',
      },
    ],
    promises: ['local-admission-of-anothers-slot', 'slot-for-two-vehicles'],
    focus: { withFaults: ['message-delayed', 'message-reordered', 'message-duplicated', 'link-half-open', 'link-cut'] },
    maxSeeds: 60,
  },
  {
    name: 'decision-for-the-next-vehicle',
    breaks: 'A decision is applied to whoever stands at a gate now, not only to the vehicle it was made for.',
    edits: [
      {
        file: `${app}/admission.ts`,
        find: 'if (recorder.arrivalSeq(arrivalName(entry.gateId, entry.arrivalId)) === decision.arrival) return entry;',
        replace:
          'if ((recorder.arrivalSeq(arrivalName(entry.gateId, entry.arrivalId)) ?? 0) >= decision.arrival) return entry;',
      },
    ],
    promises: ['opened-without-cause', 'passed-without-decision', 'denied-vehicle-let-in'],
    focus: { withFaults: ['message-duplicated', 'message-delayed'] },
    maxSeeds: 10,
  },
  {
    name: 'late-decision-beside-a-local-one',
    breaks: 'A decision that comes after the edge has admitted the vehicle by itself gives it another slot.',
    edits: [
      {
        file: `${domain}/lane/arrivals.ts`,
        find: "  if (arrival.progress === 'waiting') return true;\n  if (arrival.progress !== 'denied'",
        replace:
          "  if (arrival.progress === 'waiting' || arrival.basis === 'allowance') return true;\n  if (arrival.progress !== 'denied'",
      },
    ],
    promises: ['two-decisions-for-one-vehicle'],
    focus: { withFaults: ['message-delayed', 'store-slow'] },
    maxSeeds: 20,
  },
  {
    name: 'late-decision-overrules-a-denial',
    breaks: 'A decision lets in a vehicle that the edge has turned away by itself.',
    edits: [
      {
        file: `${domain}/lane/arrivals.ts`,
        find: "  return decision.basis === 'operator' && decision.outcome === 'admit';",
        replace: "  return decision.outcome === 'admit';",
      },
    ],
    promises: ['denied-vehicle-let-in', 'passed-without-decision'],
    focus: { withFaults: ['message-delayed', 'store-slow', 'link-cut'] },
    maxSeeds: 20,
  },
  {
    name: 'open-before-durable',
    breaks: 'The arm is asked to open while the edge’s own admission is still being written.',
    edits: [
      {
        file: `${domain}/lane/arrivals.ts`,
        find: "  changeVehicle(turn, { arrival: { ...arrival, progress: 'recording', basis: choice.basis, slotId: choice.slotId } });",
        replace: '  admit(turn, arrival, { basis: choice.basis, slotId: choice.slotId, revision: arrival.revision });',
      },
    ],
    promises: ['opened-without-cause'],
    focus: { withFaults: ['link-cut'] },
    maxSeeds: 5,
  },
  {
    name: 'command-after-its-deadline',
    breaks: 'An open or lock that comes minutes late is carried out, also by an agent that was started since.',
    edits: [
      {
        file: `${app}/command-desk.ts`,
        find: '    if (linkClock.monoMs() > command.deadlineMono) {\n      complete(',
        replace: '    if (command.deadlineMono < 0) {\n      complete(',
      },
      {
        file: `${app}/command-desk.ts`,
        find: '      if (linkClock.monoMs() > command.deadlineMono) {\n        complete(',
        replace: '      if (command.deadlineMono < 0) {\n        complete(',
      },
      {
        file: `${app}/inbox.ts`,
        find: '          if (command.instance === instance) handlers.command(command);',
        replace: '          if (instance !== command.id) handlers.command(command);',
      },
    ],
    promises: ['stale-command-ran', 'opened-without-cause'],
    focus: { withFaults: ['message-delayed', 'edge-crash', 'link-half-open'], actsPerHour: 400 },
    maxSeeds: 60,
  },
  {
    name: 'command-carried-out-twice',
    breaks: 'A command that is delivered twice is carried out twice.',
    edits: [
      {
        file: `${app}/command-desk.ts`,
        find: '      if (remembered.has(command.id)) return;\n',
        replace: '',
      },
    ],
    promises: ['command-ran-twice'],
    focus: { withFaults: ['message-duplicated'], actsPerHour: 400 },
    maxSeeds: 30,
  },
];
